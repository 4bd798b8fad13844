import { once } from 'node:events';

import { drawLine, writeLines, writeMail, type Terminal } from '../host/terminal.ts';

/** One line, or several. No line holds a line break: one that a value brings with it is shown as `\u000a`. */
export type Lines = string | readonly string[];

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

  /** The verb's result: one JSON document, or lines for a person. */
  result(value: object, human: () => Lines): void {
    writeLines(this.#stdout, this.json ? [JSON.stringify(value)] : [human()].flat());
  }

  /** What a person who watches is told. */
  say(...lines: readonly string[]): void {
    writeLines(this.#stdout, lines);
  }

  /** One line of a stream of results. Waits while the reader is slow. */
  async line(text: string): Promise<void> {
    if (!writeLines(this.#stdout, [text])) await once(this.#stdout, 'drain');
  }

  /** Bytes of mail in a stream of results: a pipe or a file gets them as they are, a terminal is shown them. Waits while the reader is slow. */
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

  /** Draws over the line that was drawn before; an empty text wipes it. */
  draw(text: string): void {
    drawLine(this.#stderr, text);
  }
}
