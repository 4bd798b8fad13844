import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { describe, expect, it } from 'vitest';

import { root, snippets } from '../fixtures/docs/snippets.ts';

/** Texts that a stranger wrote. */
const WRITTEN = /\b(?:subject|snippet|address|filename|error)\b|\b(?:text|html)\(\)/;
/** Literals, and objects and arrays, whose texts Node escapes. */
const SHOWN = /'[^']*'|(?<!\$)\{[^{}]*\}|\[[^\]]*\]/g;

const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const commentsOf = (source: string): string => source.match(/\/\*\*[^]*?\*\//g)?.join('\n') ?? '';

/** What a person may copy. */
const PROGRAMS: readonly { readonly place: string; readonly code: string }[] = [
  ...filesIn('examples').map((file) => ({ place: file, code: read(file) })),
  ...snippets.map(({ page, heading, code }) => ({ place: `${page}: ${heading}`, code })),
  ...filesIn('src').map((file) => ({ place: file, code: commentsOf(read(file)) })),
];

/** The arguments of each call of console.log. */
function printedBy(code: string): readonly string[] {
  return code
    .split('console.log(')
    .slice(1)
    .map((rest) => {
      let depth = 1;
      let end = 0;
      for (; depth > 0 && end < rest.length; end++) depth += { '(': 1, ')': -1 }[rest.charAt(end)] ?? 0;
      return rest.slice(0, end - 1);
    });
}

/** The calls that send a stranger's text to the terminal as it is. */
const rawIn = (code: string): readonly string[] =>
  printedBy(code).filter((printed) => WRITTEN.test(printed.replaceAll(SHOWN, '')));

describe('a program to copy', () => {
  it("sends no text of a stranger's to the terminal as it is", () => {
    expect(PROGRAMS.flatMap(({ place, code }) => rawIn(code).map((call) => `${place}: ${call}`))).toEqual([]);
  });

  it.each([
    'console.log(`in the inbox: ${mail.subject}`);',
    'console.log(mailbox, mail.subject);',
    'console.log(await message?.text());',
    'for (const { messageId } of changes) console.log((await message(messageId))?.subject);',
  ])('is refused with %s', (code) => {
    expect(rawIn(code)).toHaveLength(1);
  });

  it('shows control characters in an object, those above 127 as well', () => {
    expect(inspect({ subject: '\u001B[2J\u009B2J' })).toBe(String.raw`{ subject: '\x1B[2J\x9B2J' }`);
  });
});
