import { isAbsolute, resolve } from 'node:path';

import { z } from 'zod';

import { PRICE_TABLES, type PriceTableName } from './model/prices.ts';
import { readTemporalConnection, type TemporalConnection } from './temporal-connection.ts';

/** Everything that the environment says, read once and validated. */
export interface Config {
  /** Absolute. What Tidemark keeps for itself: key file, Temporal's binary, database and log. */
  readonly dataDir: string;
  readonly database: DatabaseLocation;
  readonly gmailRootUrl: string;
  readonly googleTokenUrl: string;
  readonly quota: QuotaConfig;
  /** 32 bytes, or null: then a key file is made beside the embedded database. Not enumerable, so that no log shows it. */
  readonly secretKey: Uint8Array | null;
  readonly logLevel: LogLevel;
  readonly temporal: TemporalConnection;
  /** Queue of workflows and live activities; backfill activities have one of their own beside it. */
  readonly taskQueue: string;
}

export interface DatabaseLocation {
  readonly kind: 'sqlite';
  /** Absolute path of the file. */
  readonly path: string;
}

export interface QuotaConfig {
  readonly prices: PriceTableName;
  readonly userUnitsPerMinute: number;
  readonly projectUnitsPerMinute: number;
  /** Part of each user's units that Tidemark may spend, in (0, 1]; the rest is left to the user's other applications. */
  readonly userShare: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One wrong variable. `given` never shows a secret. */
export interface ConfigProblem {
  readonly name: string;
  readonly given: string;
  readonly expected: string;
}

/** Thrown when the environment holds wrong values: it names all of them, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ name, given, expected }) => `${name} is ${given}: expected ${expected}`).join('\n'));
    this.problems = problems;
  }
}

/** What each variable must be, in words with an example. */
const EXPECTED = {
  TIDEMARK_DATA_DIR: 'a directory, for example .tidemark',
  DATABASE_URL: 'sqlite: and the path of a file, for example sqlite:.tidemark/tidemark.sqlite',
  GMAIL_ROOT_URL: 'an http or https address, for example https://gmail.googleapis.com',
  GOOGLE_TOKEN_URL: 'an http or https address, for example https://oauth2.googleapis.com/token',
  GMAIL_QUOTA_PRICES: `one of ${Object.keys(PRICE_TABLES).toSorted().toReversed().join(', ')}, for example 2026`,
  GMAIL_USER_UNITS_PER_MINUTE: 'a whole number of quota units above 0, for example 6000',
  GMAIL_PROJECT_UNITS_PER_MINUTE: 'a whole number of quota units above 0, for example 1200000',
  GMAIL_USER_SHARE: 'a number above 0 and at most 1, for example 0.8',
  TIDEMARK_SECRET_KEY: '32 bytes in base64, for example what `openssl rand -base64 32` prints',
  TIDEMARK_TASK_QUEUE: 'the name of a task queue, for example tidemark',
  LOG_LEVEL: `one of ${LOG_LEVELS.join(', ')}, for example info`,
} as const;

type Name = keyof typeof EXPECTED;

const httpUrl = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));
const units = z
  .string()
  .regex(/^\d+$/)
  .transform(Number)
  .pipe(z.number().int().positive().max(Number.MAX_SAFE_INTEGER));

const share = z
  .string()
  .regex(/^(0?\.\d+|1(\.0+)?)$/)
  .transform(Number)
  .pipe(z.number().positive().max(1));

/** `sqlite:PATH`, also as an address (`sqlite:///var/lib/mail.sqlite`). A database in memory would not outlive one process. */
const databasePath = z
  .string()
  .regex(/^sqlite:(?!:memory:$).+$/)
  .transform((text) => text.replace(/^sqlite:(?:\/\/(?=\/))?/, ''));

const secretKey = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=?$/)
  .transform((text) => new Uint8Array(Buffer.from(text, 'base64')));

const environment = z.object({
  TIDEMARK_DATA_DIR: z.string().default('.tidemark'),
  DATABASE_URL: databasePath.optional(),
  GMAIL_ROOT_URL: httpUrl.default('https://gmail.googleapis.com'),
  GOOGLE_TOKEN_URL: httpUrl.default('https://oauth2.googleapis.com/token'),
  GMAIL_QUOTA_PRICES: z.literal(['2026', '2025']).default('2026'),
  GMAIL_USER_UNITS_PER_MINUTE: units.optional(),
  GMAIL_PROJECT_UNITS_PER_MINUTE: units.optional(),
  GMAIL_USER_SHARE: share.default(1),
  TIDEMARK_SECRET_KEY: secretKey.optional(),
  TIDEMARK_TASK_QUEUE: z.string().regex(/^[\w.-]{1,200}$/).default('tidemark'),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
} satisfies Record<Name, z.ZodType>);

/**
 * Reads the environment. An empty variable counts as unset.
 * @param options.cwd what relative paths start from
 * @throws {ConfigError} when a value is wrong: it names every wrong one
 */
export function loadConfig({ env = process.env, cwd = process.cwd() }: { env?: NodeJS.ProcessEnv; cwd?: string } = {}): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const read = environment.safeParse(given);
  const temporal = readTemporal(env);
  const problems = read.success ? [] : wrongVariables(read.error, given);
  if ('problem' in temporal) problems.push(temporal.problem);
  if (!read.success || 'problem' in temporal) throw new ConfigError(problems);

  const values = read.data;
  const dataDir = resolve(cwd, values.TIDEMARK_DATA_DIR);
  const table = PRICE_TABLES[values.GMAIL_QUOTA_PRICES];
  const config = {
    dataDir,
    database: Object.freeze({ kind: 'sqlite', path: databaseFile(values.DATABASE_URL, cwd, dataDir) } as const),
    gmailRootUrl: values.GMAIL_ROOT_URL,
    googleTokenUrl: values.GOOGLE_TOKEN_URL,
    quota: Object.freeze({
      prices: values.GMAIL_QUOTA_PRICES,
      userUnitsPerMinute: values.GMAIL_USER_UNITS_PER_MINUTE ?? table.userUnitsPerMinute,
      projectUnitsPerMinute: values.GMAIL_PROJECT_UNITS_PER_MINUTE ?? table.projectUnitsPerMinute,
      userShare: values.GMAIL_USER_SHARE,
    }),
    secretKey: values.TIDEMARK_SECRET_KEY ?? null,
    logLevel: values.LOG_LEVEL,
    temporal: Object.freeze(temporal.connection),
    taskQueue: values.TIDEMARK_TASK_QUEUE,
  };
  Object.defineProperty(config, 'secretKey', { enumerable: false });
  return Object.freeze(config);
}

/** A configuration that differs in these values. The secret key stays, and stays hidden. */
export function changedConfig(config: Config, changes: Partial<Omit<Config, 'secretKey'>>): Config {
  const changed: Config = { ...config, ...changes, secretKey: config.secretKey };
  Object.defineProperty(changed, 'secretKey', { enumerable: false });
  return Object.freeze(changed);
}

function databaseFile(path: string | undefined, cwd: string, dataDir: string): string {
  if (path === undefined) return resolve(dataDir, 'tidemark.sqlite');
  return isAbsolute(path) ? path : resolve(cwd, path);
}

function wrongVariables(error: z.ZodError, given: Record<string, string | undefined>): ConfigProblem[] {
  const names = new Set(error.issues.map((issue) => issue.path[0]));
  return (Object.keys(EXPECTED) as Name[])
    .filter((name) => names.has(name))
    .map((name) => ({ name, given: describe(name, given[name] ?? ''), expected: EXPECTED[name] }));
}

/** What was given, fit for a terminal and a log: no key, no password within an address, no endless text. */
function describe(name: Name, text: string): string {
  if (name === 'TIDEMARK_SECRET_KEY') return `a text of ${text.length} characters`;
  const shown = text.replace(/(\/\/)[^/]*@/, '$1…@');
  return `"${shown.length > 100 ? `${shown.slice(0, 100)}…` : shown}"`;
}

function readTemporal(env: NodeJS.ProcessEnv): { connection: TemporalConnection } | { problem: ConfigProblem } {
  try {
    return { connection: readTemporalConnection(env) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      problem: {
        name: 'TEMPORAL_*',
        given: `unusable (${reason})`,
        expected: 'what https://docs.temporal.io/develop/environment-configuration describes, for example TEMPORAL_ADDRESS=localhost:7233',
      },
    };
  }
}
