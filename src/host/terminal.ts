import type { Writable } from 'node:stream';

import { fitted, visibleLine } from '../model/visible-text.ts';

/** A stream that may be a terminal. */
export type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/**
 * Writes lines that a person reads. Nothing else in `src` writes to a terminal (`test/terminal.test.ts`), and each line is made visible here: what a
 * stranger wrote can neither act on the terminal nor begin a line, whoever forgot where a value came from.
 *
 * @param lines - without line breaks: one inside a line is shown, not obeyed
 * @returns false while the reader is slow
 */
export function writeLines(stream: Terminal, lines: readonly string[]): boolean {
  return stream.write(lines.map((line) => `${visibleLine(line)}\n`).join(''));
}

/** Draws a line over the one that was drawn before, within the terminal's width; an empty text wipes it. */
export function drawLine(stream: Terminal, text: string): void {
  stream.write(`\r\u001B[K${fitted(visibleLine(text), (stream.columns ?? 80) - 1)}`);
}

/**
 * Writes mail: a pipe or a file gets its bytes as they are, a terminal is shown them as lines.
 *
 * @returns false while the reader is slow
 */
export function writeMail(stream: Terminal, bytes: Uint8Array): boolean {
  if (stream.isTTY !== true) return stream.write(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return writeLines(stream, linesOf(text));
}

/** The lines of a text whose line breaks are its own. */
export function linesOf(text: string): readonly string[] {
  return text.replace(/\r?\n$/, '').split(/\r?\n/);
}
