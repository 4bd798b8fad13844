import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** A stream that may be a terminal. */
export type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number };

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
    this.#stdout.write(`${this.json ? JSON.stringify(value) : human()}\n`);
  }

  /** One line of a stream of results. Waits while the reader is slow. */
  async line(text: string | Uint8Array): Promise<void> {
    if (!this.#stdout.write(text)) await once(this.#stdout, 'drain');
  }

  /** What a person should know while a verb runs. */
  notice(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** True when progress can be drawn in place. */
  get draws(): boolean {
    return this.#stderr.isTTY === true && !this.json;
  }

  /** Draws over the line that was drawn before; an empty text wipes it. */
  draw(text: string): void {
    const width = this.#stderr.columns ?? 80;
    this.#stderr.write(`\r\u001B[K${text.slice(0, width - 1)}`);
  }
}
