// node scripts/house/figures.ts: the code in numbers, beside those of 1cec1c8, before the house was built: files,
// rooms, interfaces, functions, lines, circles, what the configuration loads, what the lint refuses.
// Exits with 1 when a bound is not kept.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { tryAllImports } from './probes.ts';
import { ROOMS, type Room } from './rooms.ts';
import { writtenFiles } from './written-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const COLUMNS = 120;
const FUNCTION_LINES = 60;
/** Only longer functions are measured: the longest one is among them. */
const LOOKED_AT_LINES = 40;
/** The share of comments among the lines that are not empty. */
const COMMENTS = { least: 0.1, most: 0.2 };
const CONFIG_MODULES = 150;
const FILE_LINES = 300;

const files = writtenFiles('*.ts').map((path) => ({ path, lines: readFileSync(join(root, path), 'utf8').split('\n') }));
const inSource = files.filter(({ path }) => path.startsWith('src/'));

/** Oxlint parses the language: it measures functions and finds import cycles, including cycles of types only. */
function refusals(): readonly { readonly message: string; readonly code: string; readonly filename: string }[] {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-figures-'));
  const config = join(directory, 'oxlint.json');
  const rules = {
    'max-lines-per-function': ['error', { max: LOOKED_AT_LINES }],
    'import/no-cycle': ['error', { ignoreTypes: false }],
  };
  writeFileSync(config, JSON.stringify({ plugins: ['import'], categories: { correctness: 'off' }, rules }));
  const command = [
    join(root, 'node_modules', 'oxlint', 'bin', 'oxlint'),
    '--config',
    config,
    '--format=json',
    'src',
    'bench',
    'test',
    'scripts',
  ];
  const { stdout } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  rmSync(directory, { recursive: true });
  return (JSON.parse(stdout) as { diagnostics: ReturnType<typeof refusals> }).diagnostics;
}

/**
 * Counts an interface's methods: `name(…)`, or a property with a function type. Nested types are indented
 * deeper.
 */
function methodsOf(lines: readonly string[], at: number): number {
  const end = lines.findIndex((line, index) => index > at && line.startsWith('}'));
  return lines.slice(at + 1, end).filter((line) => /^ {2}(readonly )?\w+\??(<[^(]*>)?(\(|: (<[^(]*>)?\()/.test(line))
    .length;
}

function interfaces(): readonly { readonly name: string; readonly path: string; readonly methods: number }[] {
  return inSource.flatMap(({ path, lines }) =>
    lines.flatMap((line, at) => {
      const name = /^(?:export )?interface (\w+)/.exec(line)?.[1];
      return name === undefined || line.endsWith('}') ? [] : [{ name, path, methods: methodsOf(lines, at) }];
    }),
  );
}

/** Counts the modules that are loaded from files; Node's own modules do not count. */
function modulesOf(file: string): number {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({
      load(url, context, next) {
        if (url.startsWith('file:')) loaded.add(url);
        return next(url, context);
      },
    });
    await import(${JSON.stringify(join(root, file))});
    process.stdout.write(String(loaded.size));
  `;
  return Number(
    execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '--eval', program], { encoding: 'utf8' }),
  );
}

const found = refusals();
const circles = found.filter(({ code }) => code.includes('no-cycle'));
const measured = found
  .filter(({ code, filename }) => code.includes('max-lines-per-function') && filename.startsWith('src/'))
  .map(({ message, filename }) => ({
    filename,
    name: /`(.+?)`/.exec(message)?.[1] ?? 'a function',
    lines: Number(/\((\d+)\)/.exec(message)?.[1]),
  }))
  .toSorted((a, b) => b.lines - a.lines);
const [longest] = measured;
const tooLong = measured.filter(({ lines }) => lines > FUNCTION_LINES);
const [largest] = interfaces().toSorted((a, b) => b.methods - a.methods);
const all = files.flatMap(({ lines }) => lines);
const wide = all.filter((line) => line.length > COLUMNS);
const widest = all.reduce((most, line) => Math.max(most, line.length), 0);
const long = inSource.filter(({ lines }) => lines.length - 1 > FILE_LINES).map(({ path }) => path);
const sizes = inSource.map(({ lines }) => lines.length - 1).toSorted((a, b) => a - b);

/** Code that puts programs together: it holds the whole store and hands out its role interfaces. */
const COMPOSITION = /^src\/(app|hosting|storage|start|store)\/|^src\/(worker|index)\.ts$|^src\/cli\/verb-context\.ts$/;
const holdWhole = inSource.filter(
  ({ path, lines }) => !COMPOSITION.test(path) && /^import [^;]*\b(MailboxStore|Stores)\b/m.test(lines.join('\n')),
);

/**
 * Programs are called main.ts, what a room shows is its index.ts, and src/exports has the names of the package's
 * entries. Any other name leads to one file.
 */
const baseNames = inSource
  .filter(({ path }) => !path.startsWith('src/exports/'))
  .map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
const twice = [...new Set(baseNames.filter((name, at) => baseNames.indexOf(name) !== at))].filter(
  (name) => name !== 'index.ts' && name !== 'main.ts',
);

/** How many floors there are: a room stands one floor above the highest room that it imports. */
function floors(): number {
  const heights = new Map<string, number>();
  const heightOf = ({ place, imports, types = [] }: Room): number => {
    const known = heights.get(place);
    if (known !== undefined) return known;
    const below = ROOMS.filter((room) =>
      [...imports, ...types].some(
        (target) => target === room.place || (target.endsWith('.ts') && dirname(target) === room.place),
      ),
    );
    const height = 1 + Math.max(0, ...below.map(heightOf));
    heights.set(place, height);
    return height;
  };
  return Math.max(...ROOMS.map(heightOf));
}

/** The share of lines that are comments, among those that are not empty. */
function commentShare(): number {
  const lines = inSource.flatMap((file) => file.lines).map((line) => line.trim());
  const comments = lines.filter((line) => /^(\/\/|\/?\*)/.test(line));
  return comments.length / lines.filter((line) => line !== '').length;
}

const tried = await tryAllImports();
const forbidden = tried.flatMap(({ room, allowed, refused }) =>
  [...allowed, ...refused].filter((target) => !room.imports.includes(target)),
);
const caught = tried.flatMap(({ room, refused }) => refused.filter((target) => !room.imports.includes(target)));
const comments = commentShare();
const configModules = modulesOf('src/config/config.ts');

interface Figure {
  readonly name: string;
  readonly shown: string | number;
  /** What it was before the house was built; absent where nobody counted. */
  readonly before?: string | number;
  /** The bound that the figure must keep; absent when it only informs. */
  readonly isKept?: boolean;
}

const atRoot = inSource.filter(({ path }) => /^src\/[^/]+$/.test(path)).map(({ path }) => path);
const figures: readonly Figure[] = [
  {
    name: 'files at the root of src',
    shown: atRoot.join(', '),
    before: 19,
    isKept: atRoot.every((path) => path === 'src/index.ts' || path === 'src/worker.ts'),
  },
  { name: 'rooms', shown: ROOMS.length, before: 19 },
  { name: 'floors of rooms', shown: floors(), before: 10 },
  {
    name: 'files of src, median and largest (lines)',
    shown: `${sizes.length}, ${sizes[Math.floor(sizes.length / 2)]} and ${sizes.at(-1)}`,
    before: '62 and 454',
  },
  {
    name: `files of src over ${FILE_LINES} lines`,
    shown: long.length === 0 ? 0 : [long.length, ...long].join(', '),
  },
  {
    name: 'file names used twice',
    shown: [twice.length, ...twice].join(', '),
    before: 34,
    isKept: twice.length === 0,
  },
  {
    name: 'largest interface (at most 12)',
    shown: largest === undefined ? 'none' : `${largest.name}, ${largest.methods} methods (${largest.path})`,
    before: 'MailboxStore, 44 methods',
    isKept: (largest?.methods ?? 0) <= 12,
  },
  {
    name: 'files that name the whole store',
    shown: [holdWhole.length, ...holdWhole.map(({ path }) => path)].join(', '),
    isKept: holdWhole.length === 0,
  },
  {
    name: `longest function of src (at most ${FUNCTION_LINES})`,
    shown: longest === undefined ? 'none' : `${longest.name}, ${longest.lines} lines (${longest.filename})`,
    before: 'mailbox, 177 lines',
    isKept: tooLong.length === 0,
  },
  {
    name: `lines over ${COLUMNS} columns`,
    shown: `${wide.length} of ${all.length}, longest ${widest}`,
    before: '1830, longest 321',
    isKept: wide.length === 0,
  },
  {
    name: 'comment lines of src',
    shown: `${(comments * 100).toFixed(1)}%`,
    before: '14.7%',
    isKept: comments >= COMMENTS.least && comments <= COMMENTS.most,
  },
  { name: 'imports in circles', shown: circles.length, before: 5, isKept: circles.length === 0 },
  {
    name: 'forbidden imports that the lint refuses',
    shown: `${caught.length} of ${forbidden.length}`,
    before: '1 of 11',
    isKept: caught.length === forbidden.length,
  },
  {
    name: `modules configuration loads (at most ${CONFIG_MODULES})`,
    shown: configModules,
    before: 489,
    isKept: configModules <= CONFIG_MODULES,
  },
];
for (const { name, shown, before, isKept = true } of figures)
  process.stdout.write(
    `${name.padEnd(42)} ${shown}${before === undefined ? '' : `   (was ${before})`}${isKept ? '' : '   <- not kept'}\n`,
  );
process.exitCode = figures.every(({ isKept = true }) => isKept) ? 0 : 1;
