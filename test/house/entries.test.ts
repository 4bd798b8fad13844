import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

import { expect, it } from 'vitest';

/** The packages that importing files of `src` loads in a fresh process. */
function packagesOf(...files: readonly string[]): readonly string[] {
  const urls = files.map((file) => new URL(`../../src/${file}`, import.meta.url).href);
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ load(url, context, next) {
      loaded.add(/.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
      return next(url, context);
    } });
    for (const url of ${JSON.stringify(urls)}) await import(url);
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

it('help and wrong usage of any verb, and what reports it, load no package but commander', () => {
  const verbs = readdirSync(new URL('../../src/cli/', import.meta.url)).filter((name) => name.endsWith('-verb.ts'));
  expect(verbs).toContain('status-verb.ts');
  const packages = packagesOf('cli/run.ts', 'cli/failure-report.ts', ...verbs.map((name) => `cli/${name}`));
  expect(packages.filter((name) => name !== null)).toEqual(['commander']);
});
