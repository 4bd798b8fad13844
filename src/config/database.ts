import { isAbsolute, resolve } from 'node:path';

import { z } from 'zod';

import { POSTGRES_URL } from '../store/open-store.ts';
import { DEFAULT_POOL_SIZE } from '../store/engines/postgres-pool.ts';
import { isPostgresUrl, readPostgresUrl, type PostgresAddress } from '../store/engines/postgres-url.ts';
import type { Values, Variables } from './section.ts';

export type DatabaseLocation = SqliteLocation | PostgresLocation;

interface Migrated {
  /** False: only `tidemark migrate` changes the schema, and everything else refuses an older one. */
  readonly autoMigrate: boolean;
}

export interface SqliteLocation extends Migrated {
  readonly kind: 'sqlite';
  /** Absolute path of the file. */
  readonly path: string;
}

/** How servers of PostgreSQL are reached, whichever it is: what no address says. */
export interface PostgresAccess {
  /** Absolute; null when the password is in the URL, or none is needed. */
  readonly passwordFile: string | null;
  /** Absolute path of the certificates of the authorities to trust; null: those that Node trusts. */
  readonly caFile: string | null;
  /** Connections of one process at most. */
  readonly poolSize: number;
}

export interface PostgresLocation extends Migrated, PostgresAccess {
  readonly kind: 'postgres';
  /** Without the password. */
  readonly url: string;
  /** Not enumerable, so that no log shows it. */
  readonly password: string | null;
}

/** `sqlite:PATH`, also as an address (`sqlite:///var/lib/mail.sqlite`). A database in memory would not outlive one process. */
const sqlitePath = /^sqlite:(?:\/\/(?=\/))?(?!:memory:$)(.+)$/;

const databaseUrl = z.string().transform((text, context): string | PostgresAddress => {
  const found = isPostgresUrl(text) ? readPostgresUrl(text) : sqlitePath.exec(text)?.[1];
  if (found !== null && found !== undefined) return found;
  context.addIssue('no database');
  return z.NEVER;
});

const poolSize = z
  .string()
  .regex(/^\d{1,4}$/)
  .transform(Number)
  .pipe(z.number().int().min(2).max(1_000));

export const databaseVariables = {
  DATABASE_URL: { schema: databaseUrl.optional(), expected: `sqlite: and the path of a file, for example sqlite:.tidemark/tidemark.sqlite, or ${POSTGRES_URL}` },
  DATABASE_PASSWORD_FILE: { schema: z.string().optional(), expected: "the path of a file with PostgreSQL's password, for example /run/secrets/database-password" },
  DATABASE_CA_FILE: { schema: z.string().optional(), expected: 'the path of a file with certificates in PEM, for example /etc/ssl/database-ca.pem' },
  DATABASE_POOL_SIZE: { schema: poolSize.default(DEFAULT_POOL_SIZE), expected: `a whole number of connections from 2 to 1000, for example ${DEFAULT_POOL_SIZE}` },
  DATABASE_AUTO_MIGRATE: { schema: z.enum(['true', 'false']).default('true'), expected: 'true or false, for example false where `tidemark migrate` runs before the workers' },
} as const satisfies Variables;

export function readDatabase(values: Values<typeof databaseVariables>, { cwd, dataDir }: { cwd: string; dataDir: string }): DatabaseLocation {
  const { DATABASE_URL: url } = values;
  const autoMigrate = values.DATABASE_AUTO_MIGRATE === 'true';
  if (typeof url !== 'object') return Object.freeze({ kind: 'sqlite', path: databaseFile(url, cwd, dataDir), autoMigrate } as const);
  const location = { kind: 'postgres', url: url.url, password: url.password, ...readPostgresAccess(values, { cwd }), autoMigrate } as const;
  Object.defineProperty(location, 'password', { enumerable: false });
  return Object.freeze(location);
}

export function readPostgresAccess(values: Values<typeof databaseVariables>, { cwd }: { cwd: string }): PostgresAccess {
  const file = (path: string | undefined) => (path === undefined ? null : resolve(cwd, path));
  return Object.freeze({ passwordFile: file(values.DATABASE_PASSWORD_FILE), caFile: file(values.DATABASE_CA_FILE), poolSize: values.DATABASE_POOL_SIZE });
}

function databaseFile(path: string | undefined, cwd: string, dataDir: string): string {
  if (path === undefined) return resolve(dataDir, 'tidemark.sqlite');
  return isAbsolute(path) ? path : resolve(cwd, path);
}
