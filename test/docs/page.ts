import { readFileSync } from 'node:fs';

/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  /** What follows the language on its first line. */
  readonly note: string;
  /** The heading that it stands under. */
  readonly heading: string;
  readonly code: string;
}

/** A page of documentation, for tests that hold it to the code. */
export class Page {
  readonly #text: string;

  /** @param name - of a file in `docs`; `../README.md` and its like beside it */
  constructor(name: string) {
    this.#text = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  }

  text(): string {
    return this.#text;
  }

  /** Every fenced block, in the order of the page. */
  blocks(): Block[] {
    return [...this.#text.matchAll(/^## (.+)$|^```(\w*)(?: ([^\n]+))?\n([^]*?)^```$/gm)].reduce<{
      blocks: Block[];
      heading: string;
    }>(
      ({ blocks, heading }, [, title, language = '', note = '', code = '']) =>
        title === undefined
          ? { blocks: [...blocks, { language, note, heading, code }], heading }
          : { blocks, heading: title },
      { blocks: [], heading: '' },
    ).blocks;
  }

  /**
   * The cells of the table whose first column has this title, without the heading, and without the backquotes around a
   * whole cell.
   */
  table(title: string): string[][] {
    const lines = this.#text.split('\n');
    const begin = lines.findIndex((line) => line.startsWith(`| ${title} |`));
    const end = lines.findIndex((line, index) => index > begin && !line.startsWith('|'));
    if (begin < 0) throw new Error(`the page has no table of ${title}`);
    return lines.slice(begin + 2, end).map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')),
    );
  }
}
