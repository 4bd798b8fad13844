import { once } from 'node:events';

import { drawLine, writeLines, writeMail, type Terminal } from '../host/terminal.ts';

/** One line, or several. A line break inside a value is shown as `\u000a`. */
export type Lines = string | readonly string[];

/** Writes a verb's results to stdout and everything else to stderr, so that a pipe carries only results. */
export class Output {
  readonly json: boolean;
  readonly #stdout: Terminal;
  readonly #stderr: Terminal;

  constructor(options: { stdout: Terminal; stderr: Terminal; json: boolean }) {
    this.json = options.json;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
  }

  /** The verb's result: one JSON document, or lines for a person. */
  result(value: object, human: () => Lines): void {
    writeLines(this.#stdout, this.json ? [JSON.stringify(value)] : [human()].flat());
  }

  /** Lines for a person who watches. */
  say(...lines: readonly string[]): void {
    writeLines(this.#stdout, lines);
  }

  /** One line of a stream of results. Waits while the reader is slow. */
  async line(text: string): Promise<void> {
    if (!writeLines(this.#stdout, [text])) await once(this.#stdout, 'drain');
  }

  /**
   * Bytes of mail in a stream of results: unchanged to a pipe or a file, made visible on a terminal. Waits while the
   * reader is slow.
   */
  async mail(bytes: Uint8Array): Promise<void> {
    if (!writeMail(this.#stdout, bytes)) await once(this.#stdout, 'drain');
  }

  /** What a person should know while a verb runs. */
  notice(...lines: readonly string[]): void {
    writeLines(this.#stderr, lines);
  }

  /** True when progress can be drawn in place. */
  get draws(): boolean {
    return this.#stderr.isTTY === true && !this.json;
  }

  /** Draws over the line drawn before. An empty text erases it. */
  draw(text: string): void {
    drawLine(this.#stderr, text);
  }
}
