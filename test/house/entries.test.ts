import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

/** The packages that importing a file of `src` loads in a fresh process. */
function packagesOf(file: string): readonly string[] {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ load(url, context, next) {
      loaded.add(/.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
      return next(url, context);
    } });
    await import(${JSON.stringify(fileURLToPath(new URL(`../../src/${file}`, import.meta.url)))});
    process.stdout.write(JSON.stringify([...loaded]), () => process.exit());
  `;
  return JSON.parse(
    execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '--eval', program], { encoding: 'utf8' }),
  ) as string[];
}

it('importing the client loads no Temporal worker, no Google client and no database driver', () => {
  const packages = packagesOf('index.ts');
  expect(packages).toContain('@temporalio/client');
  for (const name of ['@temporalio/worker', 'googleapis', 'undici', 'kysely', 'pg', 'pino', 'postal-mime'])
    expect(packages, name).not.toContain(name);
});

it('importing the reader loads nothing of Temporal or Google, nor pg or undici', () => {
  const packages = packagesOf('exports/reader.ts');
  expect(packages).toContain('kysely');
  expect(packages.filter((name) => /^(@temporalio\/|googleapis|pg$|undici)/.test(name))).toEqual([]);
});
