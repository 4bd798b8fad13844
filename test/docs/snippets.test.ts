import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createLog } from '../../src/host/log.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { Rig } from '../fixtures/system/rig.ts';
import { Page, type Block } from '../fixtures/docs/page.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const docs = join(root, 'docs');

/** Pages whose own tests run their programs, and the headings whose programs are run here nevertheless. */
const RUN_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  'library.md': [],
  'plugin.md': [],
  'temporal.md': [],
  'webhooks.md': ['Subscribing'],
};
/** Pages that are one program, in several blocks. */
const ONE_PROGRAM = ['temporal.md'];

const pages = [
  ...readdirSync(root, { encoding: 'utf8' }).map((file) => `../${file}`),
  ...readdirSync(docs, { recursive: true, encoding: 'utf8' }),
  // Written from the code: test/docs/reference.test.ts.
].filter((file) => file.endsWith('.md') && !file.startsWith('reference'));

interface Snippet {
  readonly page: string;
  readonly note: string;
  readonly heading: string;
  readonly code: string;
}

const isScript = ({ language }: Block): boolean => /^(?:[mc]?[jt]sx?|javascript|typescript)$/.test(language);
const snippets: readonly Snippet[] = pages.flatMap((page) => {
  const blocks = new Page(page).blocks().filter(isScript);
  if (blocks.length > 0 && ONE_PROGRAM.includes(page))
    return [{ page, note: '', heading: '', code: blocks.map(({ code }) => code).join('\n') }];
  return blocks.map(({ note, heading, code }) => ({ page, note, heading, code }));
});
/** A fragment takes names from the application around it; whatever is not one is a whole program. */
const isFragment = ({ note }: Snippet): boolean => note === 'fragment';
const isRunHere = ({ page, heading }: Snippet): boolean => RUN_ELSEWHERE[page]?.includes(heading) ?? true;
const nameOf = ({ page }: Pick<Snippet, 'page'>, index: number): string =>
  `${index}-${page.replaceAll(/[^\w.]+/g, '-')}.mts`;

/** Compiles programs as a product does: strictly, as modules of Node, with the types that the package exports. */
async function compile(sources: Readonly<Record<string, string>>, folder: string): Promise<string> {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [file, code] of Object.entries(sources)) writeFileSync(join(folder, file), code);
  copyFileSync(join(root, 'test/docs/snippet-names.d.ts'), join(folder, 'snippet-names.d.ts'));
  const at = (path: string): string => relative(folder, join(root, path));
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    paths: { tidemark: [at('src/index.ts')], 'tidemark/*': [at('src/exports/*.ts')] },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts', '*.d.ts'] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const ended = await run(process.execPath, [tsc, '-p', folder]).catch((error: unknown) => error);
  return (ended as { readonly stdout: string }).stdout;
}

describe('the programs of the pages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-snippets-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are found, and say on their first line no more than a file name, or that they are fragments', () => {
    expect(snippets.length).toBeGreaterThan(8);
    expect(snippets.filter(({ note }) => !/^(?:|fragment|[\w-]+\.ts)$/.test(note))).toEqual([]);
  });

  it('compile', async () => {
    const sources = Object.fromEntries(snippets.map((snippet, index) => [nameOf(snippet, index), snippet.code]));
    expect(await compile(sources, folder)).toBe('');
  }, 180_000);
});

describe('whole programs of the pages', () => {
  let rig: Rig;
  let address: string;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-snippets-'));
    mkdirSync(join(folder, '.tidemark'));
    rig = await Rig.open('snippets', { env: { TIDEMARK_DATA_DIR: join(folder, '.tidemark') } });
    await rig.startWorker(createLog('silent'), hurriedClock);
    const box = await rig.mailbox('snippets', { messages: 20, format: 'full' });
    await box.start();
    await box.exact(30_000);
    address = box.id;
  });
  afterAll(async () => {
    await rig.close();
    rmSync(folder, { recursive: true });
  });

  const whole = snippets.filter((snippet) => !isFragment(snippet) && isRunHere(snippet));

  it.each(whole.map((snippet, index) => ({ ...snippet, index })))('$page: run', async ({ page, code, index }) => {
    const file = join(folder, nameOf({ page }, index));
    writeFileSync(file, code.replaceAll('ada@example.com', address));
    const { stdout } = await run(process.execPath, ['--import', join(root, 'scripts/from-source.mjs'), file], {
      cwd: folder,
      env: { ...process.env, ...rig.env },
    });
    expect(stdout).not.toBe('');
  });
});
