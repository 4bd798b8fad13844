import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What to do where no PostgreSQL is found. */
export const HOW_TO_GET_ONE =
  'install PostgreSQL (apt-get install postgresql, brew install postgresql), or name a server in TIDEMARK_TEST_POSTGRES where databases may be created';

/** Folders with one folder for each version. */
const VERSIONED: readonly (readonly [folder: string, bin: string])[] = [
  ['/usr/lib/postgresql', 'bin'],
  ['/usr/local/lib/postgresql', 'bin'],
  ['/opt/homebrew/opt', 'bin'],
  ['/usr/local/opt', 'bin'],
  ['/Applications/Postgres.app/Contents/Versions', 'bin'],
];
/** Red Hat's packages, and builds from source. */
const PLAIN = ['/usr/pgsql/bin', '/usr/local/pgsql/bin'];

/** The folder of `initdb` and `postgres`: on the PATH, else the newest in the places where packages put them. */
export function findPostgres(path = process.env['PATH'] ?? ''): string | null {
  const folders = [
    ...path.split(delimiter),
    ...VERSIONED.flatMap(([folder, bin]) => versionsIn(folder).map((version) => join(folder, version, bin))),
    ...PLAIN,
  ];
  return (
    folders.find((folder) => folder !== '' && ['initdb', 'postgres'].every((name) => existsSync(join(folder, name)))) ??
    null
  );
}

function versionsIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const number = (name: string) => Number(/[\d.]+/.exec(name)?.[0] ?? 0);
  return readdirSync(folder)
    .filter((name) => /^(postgresql@?)?[\d.]+$|^postgresql$/.test(name))
    .toSorted((a, b) => number(b) - number(a));
}
