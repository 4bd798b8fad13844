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
/** "tidemark key id" is what a key's fingerprint is hashed with, not a command. */
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
    // A command counts in code only inside a string, and in a page only inside a code span or block. What stands before
    // it tells: a quote, a bracket, or the prompt.
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

it('Every command that a message or a page names exists, and has the flags that are named with it', () => {
  const unknown = ADVICE.filter(
    ({ verb, flags }) => !flags.every((flag) => VERBS.get(verb)?.includes(flag) === true) || !VERBS.has(verb),
  );
  expect(unknown).toEqual([]);
});

it('Only programs name commands, since a product may show messages of the library to its customers', () => {
  const named = files('src', '.ts')
    .filter((file) => !/^src\/(cli|doctor|start)\//.test(file))
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

/** The variables of docs/variables.md, and the prefixes of those that it names like `TEMPORAL_*`. */
const VARIABLES = [
  ...readFileSync(join(ROOT, 'docs/variables.md'), 'utf8').matchAll(/`([A-Z][A-Z0-9_]+_[A-Z0-9]*)\*?`/g),
]
  .map(([, name = '']) => name)
  .filter((name) => name.endsWith('_') || name.length > 4);

/** Messages that only operators see, who set variables. None of them is about a customer's mailbox. */
const FOR_OPERATORS = [
  { place: /^src\/config\//, why: 'the variables are what is wrong' },
  { place: /^src\/temporal\//, why: 'starting and joining a Temporal server, and encrypted payloads' },
  { place: /^src\/store\/(bodies|engines)\//, why: 'the database or the place of bodies cannot be used' },
  { place: /^src\/secrets\//, why: 'the keys that encrypt cannot be used' },
  { place: /^src\/host\/optional-packages\.ts$/, why: 'a package is not installed' },
  { place: /^src\/(hosting|plugin|telemetry)\//, why: 'setting up a worker' },
  { place: /^src\/app\/push-service\.ts$/, why: 'setting up the endpoint of notifications' },
  { place: /^src\/deliveries\/register-handlers\.ts$/, why: 'a worker that does not start' },
  { place: /^src\/client\/errors\.ts: .*(?:Start (?:one|workers))/, why: 'deploying a build (BuildNotReadyError)' },
  { place: /^src\/simulator\/control\.ts$/, why: 'an answer to a request by curl' },
];

/** The sentences of a file that name a flag or a variable. Strings of one word are arguments for other programs. */
function settingsNamedIn(file: string): readonly string[] {
  return readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line))
    .flatMap((line) => [...line.matchAll(/(['"`])((?:(?!\1).)*)\1/g)].map(([, , text = '']) => text))
    .filter((text) => /\s/.test(text.trim()))
    .filter((text) => /(?: |\()--[a-z]/.test(text) || VARIABLES.some((name) => new RegExp(`\\b${name}`).test(text)))
    .map((text) => `${file}: ${text}`);
}

it('Only programs, and errors that only operators see, name flags and variables', () => {
  const named = files('src', '.ts')
    .filter((file) => !/^src\/(cli|doctor|start)\//.test(file))
    .flatMap(settingsNamedIn);
  const place = (said: string): readonly string[] => [said, said.slice(0, said.indexOf(': '))];
  expect(
    named.filter((said) => !FOR_OPERATORS.some((each) => place(said).some((text) => each.place.test(text)))),
  ).toEqual([]);
  const unused = FOR_OPERATORS.filter(
    (each) => !named.some((said) => place(said).some((text) => each.place.test(text))),
  );
  expect(unused).toEqual([]);
  expect(VARIABLES).toEqual(expect.arrayContaining(['DATABASE_URL', 'TEMPORAL_', 'CHANGES_KEPT', 'PUSH_TOPIC']));
});

it('A message that names "npm start" says that it needs a checkout, since a package has no such script', () => {
  const named = files('src/cli', '.ts').flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^(?! *(?:\*|\/[/*])).*npm start.*$/gm)].map(
      ({ 0: line, index, input }) => ({ line, around: input.slice(Math.max(0, index - 60), index + line.length) }),
    ),
  );
  expect(named.filter(({ around }) => !around.includes('checkout')).map(({ line }) => line)).toEqual([]);
  expect(named.length).toBeGreaterThan(3);
});

it('The search finds the commands that known files name', () => {
  const found = (file: string): readonly string[] =>
    ADVICE.filter((advice) => advice.file === file).map(({ verb }) => verb);
  expect(found('src/cli/advice.ts')).toEqual(expect.arrayContaining(['start', 'list', 'login', 'connect', 'resume']));
  expect(found('README.md')).toEqual(expect.arrayContaining(['status', 'login']));
  expect(found('docs/commands.md')).toEqual(expect.arrayContaining(['status', 'worker', 'rename']));
  expect(ADVICE.length).toBeGreaterThan(150);
});
