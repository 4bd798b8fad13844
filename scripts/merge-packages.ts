import { copyFileSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

import { rolldown } from 'rolldown';

/** Packages of hundreds of small files. Loading them one by one takes a fifth of a verb's start. */
const MERGED = ['kysely', 'zod'] as const;

/** An import of one of them, as the compiler writes it. */
const NAMED = new RegExp(`^((?:import|export) .*from )'(${MERGED.join('|')})';$`, 'gm');

/**
 * Puts each of these packages into `dist/packages` as one file, with its licence, and lets the built code import that.
 * The declarations still name the package, so it stays a dependency.
 *
 * @param folders.root - where `node_modules` is
 */
export async function mergePackages({ root, dist }: { readonly root: string; readonly dist: string }): Promise<void> {
  const merged = join(dist, 'packages');
  // One bundle for each: together they would share chunks, and a program that needs one would load parts of both.
  for (const name of MERGED) {
    const bundle = await rolldown({ cwd: root, input: name, platform: 'node' });
    await bundle.write({ file: join(merged, `${name}.js`), format: 'esm' });
    await bundle.close();
    copyFileSync(join(root, 'node_modules', name, 'LICENSE'), join(merged, `${name}.LICENSE`));
  }
  const built = globSync('**/*.js', { cwd: dist }).map((file) => join(dist, file));
  for (const file of built.filter((file) => !file.startsWith(merged + sep))) {
    const text = readFileSync(file, 'utf8');
    const importing = text.replace(
      NAMED,
      (_, start: string, name: string) => `${start}'./${relative(dirname(file), join(merged, `${name}.js`))}';`,
    );
    if (importing !== text) writeFileSync(file, importing);
  }
}
