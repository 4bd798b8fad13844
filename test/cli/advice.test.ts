import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { wholeProgram } from '../fixtures/system/whole-program.ts';

const ROOT = join(import.meta.dirname, '../..');
const program = await wholeProgram();
const VERBS = new Map(
  program.commands.map((command) => [
    command.name(),
    command.options.flatMap(({ long }) => (long === null || long === undefined ? [] : [long])),
  ]),
);

/** A command as sentences and pages give it: `tidemark login ${mailbox} --client FILE`. */
const COMMAND = /\btidemark ([a-z]+(?:-[a-z]+)*)((?: (?:--[a-z][a-z-]*|\$\{[^}]*\}|[A-Z]+|[\w@+.:/=-]+))*)/g;
/** The domain of a key's fingerprint ("tidemark key id") is no command. */
const NOT_A_VERB = new Set(['key']);

interface Advice {
  readonly file: string;
  readonly command: string;
  readonly verb: string;
  readonly flags: readonly string[];
}

function adviceIn(file: string): readonly Advice[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const isPage = file.endsWith('.md');
  return [...text.matchAll(COMMAND)].flatMap(([command, verb = '', rest = ''], index, all) => {
    const at = all[index]?.index ?? 0;
    // In code only what stands in a string, in a page only what stands in a code span or block: before it is a quote, a
    // bracket, or the prompt.
    const before = text.slice(Math.max(0, at - 5), at);
    const isCommand = isPage ? /(`|npx |\n)$/.test(before) : /['"`(:$,] ?$|(?:or|and|first|run) $/.test(before);
    return isCommand && !NOT_A_VERB.has(verb)
      ? [{ file, command, verb, flags: rest.match(/--[a-z][a-z-]*/g) ?? [] }]
      : [];
  });
}

const files = (folder: string, suffix: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(folder, name));
const ADVICE = [...files('src', '.ts'), ...files('docs', '.md'), 'README.md'].flatMap(adviceIn);

it('Every command that a sentence or a page names exists, with the flags it names', () => {
  const unknown = ADVICE.filter(
    ({ verb, flags }) => !flags.every((flag) => VERBS.get(verb)?.includes(flag) === true) || !VERBS.has(verb),
  );
  expect(unknown).toEqual([]);
});

it('Only programs name commands: what the library says may be shown to the customer of a product', () => {
  const named = files('src', '.ts')
    .filter((file) => !/^src\/(cli|start)\//.test(file))
    .flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line))
        .flatMap((line) => [...line.matchAll(/\btidemark ([a-z-]+)/g)])
        .filter(([, verb = '']) => VERBS.has(verb))
        .map(([command]) => `${file}: ${command}`),
    );
  expect(named).toEqual([]);
});

it('Commands are found where they are named', () => {
  const found = (file: string): readonly string[] =>
    ADVICE.filter((advice) => advice.file === file).map(({ verb }) => verb);
  expect(found('src/cli/advice.ts')).toEqual(expect.arrayContaining(['start', 'list', 'login', 'connect', 'resume']));
  expect(found('README.md')).toEqual(expect.arrayContaining(['status', 'login']));
  expect(found('docs/commands.md')).toEqual(expect.arrayContaining(['status', 'worker', 'rename']));
  expect(ADVICE.length).toBeGreaterThan(150);
});
