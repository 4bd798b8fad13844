import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { reference } from '../../scripts/reference.ts';
import { compile } from '../fixtures/docs/compile.ts';
import { root, snippets } from '../fixtures/docs/snippets.ts';

interface Example {
  /** The source file whose comment has it, and its number there. */
  readonly place: string;
  readonly file: string;
  readonly code: string;
}

/** An example shows the middle of a program. These are values that its reader has by then. */
const AT_HAND: Readonly<Record<string, string>> = {
  tidemark: "declare const tidemark: import('tidemark').Tidemark;",
  reader: "declare const reader: import('tidemark/reader').OpenedReader;",
  mailbox: "declare const mailbox: import('tidemark/reader').MailboxReader;",
  message: "declare const message: import('tidemark/reader').Message;",
  saved: 'declare const saved: string;',
  work: 'declare function work(change: object): Promise<void>;',
  save: 'declare function save(cursor: string): Promise<void>;',
  client: 'declare const client: string;',
  pending: "declare const pending: import('tidemark').BegunConsent['pending'];",
  request: 'declare const request: Request;',
  config: "declare const config: import('tidemark').Config;",
  log: "declare const log: import('tidemark/worker').Log;",
  vault: `declare const vault: {
    googleToken(mailbox: string, request: object): Promise<{
      token: { value: string; expiresAt: number };
      revokedAt: Date | null;
    }>;
  };`,
  activities: 'declare const activities: object;',
  connection: "declare const connection: import('@temporalio/worker').NativeConnection;",
  Worker: "import { Worker } from '@temporalio/worker';",
  readFile: "import { readFile } from 'node:fs/promises';",
  fileURLToPath: "import { fileURLToPath } from 'node:url';",
};

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('src', file));

const examples: readonly Example[] = sources.flatMap((file) =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /\/\*\*(?:(?!\*\/)[^])*?(?<=\* )@example(?=\s)((?:(?!\*\/)[^])*)\*\//g,
    ),
  ].map(([, text = ''], index) => ({ place: `${file} ${index + 1}`, file, code: codeIn(text) })),
);

function codeIn(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/^ *\* ?/, ''))
    .filter((line) => !line.startsWith('```'))
    .join('\n')
    .replace(/\n@[^]*$/, '')
    .trim();
}

/** Names that the example's own file exports: with them, examples of internal code compile, too. */
const exportedBy = (file: string): readonly string[] =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /^export (?:async )?(?:function|class|const|interface|type) (\w+)/gm,
    ),
  ].map(([, name = '']) => name);

function program({ file, code }: Example, entries: ReadonlyMap<string, readonly string[]>): string {
  const used = new Set(code.match(/(?<![.\w])[A-Za-z]\w*\b/g));
  const own = exportedBy(file);
  const imports: string[] = [];
  const found = new Set<string>();
  for (const [from, names] of [[join(root, file), own] as const, ...entries]) {
    const wanted = names.filter((name) => used.has(name) && !found.has(name) && AT_HAND[name] === undefined);
    for (const name of wanted) found.add(name);
    if (wanted.length > 0) imports.push(`import { ${wanted.join(', ')} } from ${JSON.stringify(from)};`);
  }
  const isDeclaredHere = (name: string): boolean => new RegExp(`(?:const|let) (?:\\{[^}]*)?\\b${name}\\b`).test(code);
  const declared = Object.entries(AT_HAND).flatMap(([name, declaration]) =>
    used.has(name) && !isDeclaredHere(name) ? [declaration] : [],
  );
  return [...imports, ...declared, code, 'export {};'].join('\n');
}

describe('the examples in comments, and the programs of the pages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-comments-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  // Together, since most of the work is reading the types of the packages.
  it('compile', async () => {
    expect(examples.length).toBeGreaterThan(20);
    expect(snippets.length).toBeGreaterThan(8);
    const entries = new Map(reference().map(({ entry, exports }) => [entry, exports]));
    const named = (index: number, place: string): string => `${index}-${place.replaceAll(/[^\w.]+/g, '-')}.mts`;
    const programs = examples.map((example, index) => [named(index, example.place), program(example, entries)]);
    const ofPages = snippets.map(({ page, code }, index) => [`page-${named(index, page)}`, code]);
    expect(await compile(Object.fromEntries([...programs, ...ofPages]) as Record<string, string>, folder)).toBe('');
  }, 180_000);
});
