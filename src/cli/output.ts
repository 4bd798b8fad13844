import { once } from 'node:events';
import type { Writable } from 'node:stream';

import { visibleText } from '../model/visible-text.ts';

/** A stream that may be a terminal. */
export type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Writes what a terminal only shows: nothing else writes to one, except for mail's own bytes to a pipe or a file. */
export function write(stream: Terminal, text: string): boolean {
  return stream.write(visibleText(text));
}

/** Where a verb's words go: results to stdout, everything else to stderr, so that a pipe carries results alone. */
export class Output {
  readonly json: boolean;
  readonly #stdout: Terminal;
  readonly #stderr: Terminal;

  constructor(options: { stdout: Terminal; stderr: Terminal; json: boolean }) {
    this.json = options.json;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
  }

  /** The verb's result: one JSON document, or text for a person. */
  result(value: object, human: () => string): void {
    write(this.#stdout, `${this.json ? JSON.stringify(value) : human()}\n`);
  }

  /** One line of a stream of results. Waits while the reader is slow. Bytes are mail: a pipe or a file gets them as they are, a terminal is shown them. */
  async line(text: string | Uint8Array): Promise<void> {
    if (!this.#writeLine(text)) await once(this.#stdout, 'drain');
  }

  #writeLine(text: string | Uint8Array): boolean {
    if (typeof text === 'string') return write(this.#stdout, text);
    if (this.#stdout.isTTY !== true) return this.#stdout.write(text);
    return write(this.#stdout, Buffer.from(text).toString('utf8').replaceAll('\r\n', '\n'));
  }

  /** What a person should know while a verb runs. */
  notice(text: string): void {
    write(this.#stderr, `${text}\n`);
  }

  /** True when progress can be drawn in place. */
  get draws(): boolean {
    return this.#stderr.isTTY === true && !this.json;
  }

  /** Draws over the line that was drawn before; an empty text wipes it. */
  draw(text: string): void {
    const width = this.#stderr.columns ?? 80;
    this.#stderr.write(`\r\u001B[K${visibleText(text).slice(0, width - 1)}`);
  }
}
