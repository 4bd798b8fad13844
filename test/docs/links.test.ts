import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const filesBelow = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

const CODE = ['src', 'test', 'scripts', 'bench', 'deploy', 'examples'].flatMap(filesBelow);
const PAGES = [...readdirSync(ROOT, { encoding: 'utf8' }), ...filesBelow('docs')].filter(
  (file) => file.endsWith('.md') && !file.startsWith('docs/reference/'),
);

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** The anchor that code hosts give a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** Links of a page to other pages and to files of the repository. */
const linksOf = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));

function isDead(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  return !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
}

it.each(PAGES)('%s links to pages and headings that exist', (page) => {
  expect(linksOf(page).filter((link) => isDead(page, link))).toEqual([]);
});

it.each(PAGES)('%s names files that exist, by their whole path or the end of it', (page) => {
  const named = [...textOf(page).matchAll(/`([\w./-]+\.(?:ts|mjs|sh))`/g)].map(([, path = '']) => path);
  expect(named.filter((path) => !CODE.some((file) => `/${file}`.endsWith(`/${path}`)))).toEqual([]);
});

it('an installed package has every page and file that its pages link to', () => {
  const packing = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const [packed] = JSON.parse(execFileSync('npm', packing, { cwd: ROOT, encoding: 'utf8' })) as readonly [
    { readonly files: readonly { readonly path: string }[] },
  ];
  const files = packed.files.map(({ path }) => path);
  const pages = files.filter((file) => file.endsWith('.md') && !file.startsWith('docs/reference/'));
  const missing = pages.flatMap((page) =>
    linksOf(page)
      .map((link) => link.replace(/#.*/, ''))
      .filter((path) => path !== '' && !files.some((file) => `${file}/`.startsWith(`${join(dirname(page), path)}/`)))
      .map((path) => `${page}: ${path}`),
  );
  expect(missing).toEqual([]);
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/library.md', 'examples/README.md']));
}, 180_000);

it('the tests of links find pages, links and files of code', () => {
  expect(PAGES.length).toBeGreaterThan(10);
  expect(PAGES.flatMap(linksOf).length).toBeGreaterThan(30);
  expect(CODE).toContain('src/worker.ts');
});
