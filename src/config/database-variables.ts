import { resolve } from 'node:path';

import { z } from 'zod';

import {
  databaseAt,
  DEFAULT_POOL_SIZE,
  IN_MEMORY,
  POSTGRES_URL,
  UnsupportedDatabaseError,
  type DatabaseLocation,
  type PostgresAccess,
} from '../model/database-location.ts';
import { InvalidDurationError, parseDuration } from '../model/duration.ts';
import { TROUBLE, type Values, type Variables } from './section.ts';

/** A database in memory is refused, since it would not outlive the process. */
const databaseUrl = z.string().transform((text, context): DatabaseLocation => {
  try {
    const location = databaseAt(text);
    if (location.kind === 'postgres' || location.path !== IN_MEMORY) return location;
  } catch (error) {
    if (!(error instanceof UnsupportedDatabaseError)) throw error;
    if (error.trouble !== null) context.addIssue({ code: 'custom', params: { [TROUBLE]: `it ${error.trouble}` } });
  }
  context.addIssue('not a database');
  return z.NEVER;
});

const poolSize = z
  .string()
  .regex(/^\d{1,4}$/)
  .transform(Number)
  .pipe(z.number().int().min(2).max(1_000));

/** With a shorter time, a reader that was merely restarted would be refused. */
const SHORTEST_KEPT = 60 * 60_000;

const kept = z.string().transform((text, context) => {
  if (text === 'never') return null;
  try {
    const duration = parseDuration(text);
    if (duration >= SHORTEST_KEPT) return duration;
  } catch (error) {
    if (!(error instanceof InvalidDurationError)) throw error;
  }
  context.addIssue('not a duration');
  return z.NEVER;
});

export const databaseVariables = {
  DATABASE_URL: {
    schema: databaseUrl.optional(),
    expected: `sqlite: and the path of a file, for example sqlite:.tidemark/tidemark.sqlite, or ${POSTGRES_URL}`,
  },
  DATABASE_PASSWORD_FILE: {
    schema: z.string().optional(),
    expected: "the path of a file with PostgreSQL's password, for example /run/secrets/database-password",
  },
  DATABASE_CA_FILE: {
    schema: z.string().optional(),
    expected: 'the path of a file with certificates in PEM, for example /etc/ssl/database-ca.pem',
  },
  DATABASE_POOL_SIZE: {
    schema: poolSize.default(DEFAULT_POOL_SIZE),
    expected: `a whole number of connections from 2 to 1000, for example ${DEFAULT_POOL_SIZE}`,
  },
  DATABASE_AUTO_MIGRATE: {
    schema: z.enum(['true', 'false']).default('true'),
    expected: 'true or false, for example false where the database is migrated before the workers start',
  },
  CHANGES_KEPT: {
    schema: kept.optional(),
    expected: 'a duration of at least 1h, or never, for example 90d',
  },
} as const satisfies Variables;

/** The database: see `DATABASE_URL` and the variables beside it. */
export interface DatabaseConfig {
  /** Where the database is. */
  readonly location: DatabaseLocation;
  /** How PostgreSQL servers are reached, including one that only a command names, such as `tidemark move`. */
  readonly access: PostgresAccess;
  /** `manual`: only `tidemark migrate` changes the schema, and every other program refuses an older schema. */
  readonly migration: 'automatic' | 'manual';
  /** Milliseconds for which workers keep the entries of the change feed; null keeps them all. */
  readonly changesKept: number | null;
}

export function readDatabase(
  values: Values<typeof databaseVariables>,
  { cwd, dataDir }: { cwd: string; dataDir: string },
): DatabaseConfig {
  const file = (path: string | undefined) => (path === undefined ? null : resolve(cwd, path));
  const access = Object.freeze({
    passwordFile: file(values.DATABASE_PASSWORD_FILE),
    caFile: file(values.DATABASE_CA_FILE),
    poolSize: values.DATABASE_POOL_SIZE,
  });
  const given = values.DATABASE_URL ?? { kind: 'sqlite', path: resolve(dataDir, 'tidemark.sqlite') };
  const location = Object.freeze(
    given.kind === 'sqlite' ? { ...given, path: resolve(cwd, given.path) } : { ...given, ...access },
  );
  return Object.freeze({
    location,
    access,
    migration: values.DATABASE_AUTO_MIGRATE === 'true' ? 'automatic' : 'manual',
    changesKept: values.CHANGES_KEPT ?? null,
  });
}
