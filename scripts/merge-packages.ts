import { copyFileSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

import { rolldown } from 'rolldown';

/** Packages of many small files, with what is imported of them. Loading the files one by one slows down each start. */
const MERGED: Readonly<Record<string, readonly string[]>> = { kysely: ['kysely', 'kysely/migration'], zod: ['zod'] };

/** What the compiler writes of an import, static or dynamic. */
const IMPORT = /(\bfrom |\bimport\()'([^']+)'/g;

/** Any import of a merged package. */
const LEFT = new RegExp(`\\b(?:from|import)\\s*\\(?\\s*['"]((?:${Object.keys(MERGED).join('|')})(?:/[^'"]*)?)['"]`);

/**
 * Puts each of these packages into `dist/packages`, in one file and with its licence, and lets the built code import
 * that. The declarations still name the packages, so they stay dependencies.
 *
 * @param folders.root - where `node_modules` is
 * @throws {Error} when a built file still imports one of them from `node_modules`
 */
export async function mergePackages({ root, dist }: { readonly root: string; readonly dist: string }): Promise<void> {
  const merged = join(dist, 'packages');
  // A bundle for each: in one bundle they would share files, and a program that needs one package would load both.
  for (const [name, imported] of Object.entries(MERGED)) {
    const input = Object.fromEntries(imported.map((specifier) => [fileNameOf(specifier), specifier]));
    await using bundle = await rolldown({ cwd: root, input, platform: 'node' });
    await bundle.write({ dir: merged, format: 'esm', chunkFileNames: `${name}-[hash].js` });
    copyFileSync(join(root, 'node_modules', name, 'LICENSE'), join(merged, `${name}.LICENSE`));
  }
  const files = new Map(
    Object.values(MERGED).flatMap((all) => all.map((name) => [name, join(merged, `${fileNameOf(name)}.js`)])),
  );
  const built = globSync('**/*.js', { cwd: dist }).map((file) => join(dist, file));
  for (const file of built.filter((file) => !file.startsWith(merged + sep))) importMerged(file, files);
}

const fileNameOf = (specifier: string): string => specifier.replaceAll('/', '-');

function importMerged(file: string, files: ReadonlyMap<string, string>): void {
  const text = readFileSync(file, 'utf8');
  const importing = text.replace(IMPORT, (statement: string, start: string, specifier: string) => {
    const target = files.get(specifier);
    return target === undefined ? statement : `${start}'${relativeTo(file, target)}'`;
  });
  const left = LEFT.exec(importing)?.[1];
  if (left !== undefined)
    throw new Error(`${file} still imports ${left} from node_modules: see ${import.meta.filename}`);
  if (importing !== text) writeFileSync(file, importing);
}

/** A module specifier: it begins with a dot, and has slashes on every system. */
const relativeTo = (file: string, target: string): string =>
  `./${relative(dirname(file), target).replaceAll(sep, '/')}`;
