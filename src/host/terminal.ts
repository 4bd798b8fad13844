import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';

import { fitted, visibleLine } from '../model/visible-text.ts';

/** A stream that may be a terminal. */
export type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/**
 * Writes lines that a person reads. Nothing else in `src` writes to a terminal (`test/host/terminal.test.ts`). Control
 * characters are made visible here, so text from a stranger can neither act on the terminal nor begin a line, even if a
 * caller forgot where a value comes from.
 *
 * @param lines - without line breaks; a line break inside a line is shown as an escape
 * @returns false while the reader is slow
 */
export function writeLines(stream: Terminal, lines: readonly string[]): boolean {
  return stream.write(lines.map((line) => `${visibleLine(line)}\n`).join(''));
}

/** Draws a line over the one drawn before, cut to the terminal's width. An empty text erases it. */
export function drawLine(stream: Terminal, text: string): void {
  stream.write(`\r\u001B[K${fitted(visibleLine(text), (stream.columns ?? 80) - 1)}`);
}

/**
 * Writes mail: a pipe or a file gets the bytes unchanged, a terminal gets visible lines.
 *
 * @returns false while the reader is slow
 */
export function writeMail(stream: Terminal, bytes: Uint8Array): boolean {
  if (stream.isTTY !== true) return stream.write(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return writeLines(stream, linesOf(text));
}

/** A stream that may be a terminal's keyboard. */
export type Keyboard = Readable & { readonly isTTY?: boolean };

/**
 * Asks a person at a terminal. Everything but `y` and `yes` means no.
 *
 * @param question - without a line break
 */
export async function askYesNo(
  { keyboard, terminal }: { readonly keyboard: Keyboard; readonly terminal: Terminal },
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  const lines = createInterface({ input: keyboard, output: terminal });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([lines.question(`${visibleLine(question)} [y/N] `, { signal }), ended]);
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
}

/** Splits a text of ours into lines. */
export function linesOf(text: string): readonly string[] {
  return text.replace(/\r?\n$/, '').split(/\r?\n/);
}
