import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../../src', import.meta.url));

/**
 * Ways to a terminal, beside the console, which the linter refuses (`no-console`): each with the files that may take
 * it, and why.
 */
const WAYS = [
  {
    way: "the process's own streams",
    found: new RegExp(
      String.raw`\bprocess\s*(\??\.|\[['"])\s*(stdout|stderr)\b|` +
        String.raw`\b(stdout|stderr)\b[^=;\n]*\}\s*=\s*process\b|from 'node:process'`,
    ),
    allowed: {
      'cli/main.ts': 'hands them to the command line',
      'start/main.ts': 'hands them to its Output',
      'temporal/bundle-workflows.ts': 'a child process: its parent reads the code that it prints',
      'temporal/dev-server/sdk-download.ts':
        'a child process: its parent reads the error that it prints, made visible all the same',
    },
  },
  {
    way: 'writing to a stream that is called stdout or stderr',
    found: /\b(stdout|stderr)\??\.(write|end)\(/i,
    allowed: { 'temporal/bundle-workflows.ts': 'as above' },
  },
  {
    way: 'writing to a terminal',
    found: /:\s*Terminal\b/,
    allowed: {
      'host/terminal.ts': 'the one place',
      'cli/output.ts': 'says what goes where',
      'cli/verb-context.ts': 'hands them over',
      'cli/commander-output.ts': 'hands them over',
    },
  },
  {
    way: 'file descriptors',
    found: /\bwriteSync\(\s*[12]\b|STDERR\s*=|STDOUT\s*=|fd:\s*[12]\b|\/dev\/(tty|std)/,
    allowed: { 'host/log.ts': 'lines of JSON, made visible' },
  },
] as const satisfies readonly { way: string; found: RegExp; allowed: Readonly<Record<string, string>> }[];

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({
    name: relative(src, join(src, name)),
    text: withoutComments(readFileSync(join(src, name), 'utf8')),
  }));

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

test.each(WAYS)('only the files listed here take this way to a terminal: $way', ({ found, allowed }) => {
  const takers = sources.filter(({ text }) => found.test(text)).map(({ name }) => name);
  expect(takers.toSorted()).toEqual(Object.keys(allowed).toSorted());
});
