import { resolve } from 'node:path';

import { z } from 'zod';

import { bodiesVariables, readBodies, type BodiesConfig } from './body-variables.ts';
import { databaseVariables, readDatabase, type DatabaseConfig } from './database-variables.ts';
import { deploymentVariables, readDeployment, type DeploymentConfig } from './deployment-variables.ts';
import { pushVariables, readPush, type PushConfig } from './push-variables.ts';
import { quotaVariables, readQuota, type QuotaConfig } from './quota-variables.ts';
import { EXCLUSIVE_VARIABLES, readSecrets, secretVariables, type SecretsConfig } from './secret-variables.ts';
import { schemasOf, TROUBLE, UnusableVariableError, type Variables } from './section.ts';
import { readTelemetry, telemetryVariables, type TelemetryConfig } from './telemetry-variables.ts';
import { readTracing, tracingVariables, type TracingConfig } from './tracing-variables.ts';
import { LOG_LEVELS, type LogLevel } from '../model/log-level.ts';
import { OWN_FOLDER } from '../host/private-files.ts';
import { readTemporalConnection, type TemporalConnection } from './temporal-connection.ts';
import { readWebhooks, webhookVariables, type WebhooksConfig } from './webhook-variables.ts';
import { knownOptions, shown, type OptionNames } from '../model/options.ts';
import { UsageError } from '../model/program-errors.ts';
import { TidemarkError } from '../model/tidemark-error.ts';

/** The environment, read once and validated. */
export interface Config {
  /** Absolute path of Tidemark's own folder: key file, Temporal's binary, database and log. */
  readonly dataDir: string;
  /** The database that holds the mail. */
  readonly database: DatabaseConfig;
  /** Where large bodies are stored. */
  readonly bodies: BodiesConfig;
  /** Where the Gmail API is: `GMAIL_ROOT_URL`. */
  readonly gmailRootUrl: string;
  /** Where Google gives tokens: `GOOGLE_TOKEN_URL`. */
  readonly googleTokenUrl: string;
  /** Google's Directory API, which lists the users of a Workspace domain. */
  readonly googleAdminUrl: string;
  /** Google's consent screen. */
  readonly googleAuthUrl: string;
  /** Gmail's limits, and how much of them is used. */
  readonly quota: QuotaConfig;
  /** The version of a worker, and its workflows. */
  readonly deployment: DeploymentConfig;
  /** Where health and metrics are served. */
  readonly telemetry: TelemetryConfig;
  /** Where traces are sent. */
  readonly tracing: TracingConfig;
  /** The keys that encrypt credentials and payloads. */
  readonly secrets: SecretsConfig;
  /** Gmail's push notifications. */
  readonly push: PushConfig;
  /** Where webhooks may go. */
  readonly webhooks: WebhooksConfig;
  /** The least important lines that are logged: `LOG_LEVEL`. */
  readonly logLevel: LogLevel;
  /** How Temporal is reached. */
  readonly temporal: TemporalConnection;
  /** Task queue of workflows and live activities. Backfill activities have another queue beside it. */
  readonly taskQueue: string;
}

/** One wrong variable. `given` never shows a secret. */
export interface ConfigProblem {
  /** The variable's name. */
  readonly name: string;
  /** Its value, as it may be shown. */
  readonly given: string;
  /** What it may be. */
  readonly expected: string;
}

/** Thrown when the environment holds wrong values. The message names all of them, one on each line. */
export class ConfigError extends TidemarkError {
  override readonly name = 'ConfigError';
  readonly code = 'configuration';
  /** Each wrong variable. */
  readonly problems: readonly ConfigProblem[];
  /** One sentence for each problem. */
  readonly lines: readonly string[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ name, given, expected }) => `${name} is ${given}: expected ${expected}`);
    super(lines.join('\n'));
    this.problems = problems;
    this.lines = lines;
  }
}

const httpUrl = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));

const serviceVariables = {
  TIDEMARK_DATA_DIR: { schema: z.string().default(OWN_FOLDER), expected: 'a directory, for example .tidemark' },
  GMAIL_ROOT_URL: {
    schema: httpUrl.default('https://gmail.googleapis.com'),
    expected: 'an http or https address, for example https://gmail.googleapis.com',
  },
  GOOGLE_TOKEN_URL: {
    schema: httpUrl.default('https://oauth2.googleapis.com/token'),
    expected: 'an http or https address, for example https://oauth2.googleapis.com/token',
  },
  GOOGLE_ADMIN_URL: {
    schema: httpUrl.default('https://admin.googleapis.com'),
    expected: 'an http or https address, for example https://admin.googleapis.com',
  },
  GOOGLE_AUTH_URL: {
    schema: httpUrl.default('https://accounts.google.com/o/oauth2/v2/auth'),
    expected: 'an http or https address, for example https://accounts.google.com/o/oauth2/v2/auth',
  },
  TIDEMARK_TASK_QUEUE: {
    schema: z
      .string()
      .regex(/^[\w.-]{1,200}$/)
      .default('tidemark'),
    expected: 'the name of a task queue of letters, digits, "_", "." and "-", for example tidemark',
  },
  LOG_LEVEL: {
    schema: z.enum(LOG_LEVELS).default('info'),
    expected: `one of ${LOG_LEVELS.join(', ')}, for example info`,
  },
} as const satisfies Variables;

/** Every variable that Tidemark reads, by section. `@temporalio/envconfig` reads Temporal's own `TEMPORAL_*`. */
const VARIABLES = {
  ...serviceVariables,
  ...databaseVariables,
  ...bodiesVariables,
  ...quotaVariables,
  ...secretVariables,
  ...deploymentVariables,
  ...telemetryVariables,
  ...tracingVariables,
  ...pushVariables,
  ...webhookVariables,
};

/** The names of all variables. */
export const VARIABLE_NAMES = Object.keys(VARIABLES) as readonly Name[];

type Name = keyof typeof VARIABLES;

const environment = z.object(schemasOf(VARIABLES));

/**
 * Reads the environment. An empty variable counts as unset.
 *
 * @param options.cwd - the folder from which relative paths start
 * @param options.env - the variables; those of the process unless given
 * @returns the configuration, frozen
 * @throws {ConfigError} when values are wrong; it names all of them
 * @throws {UsageError} when it has an option that there is not
 */
export function loadConfig(options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}): Config {
  const { env = process.env, cwd = process.cwd() } = knownOptions('loadConfig', options, { env: true, cwd: true });
  if (Object(env) !== env) throw new UsageError(`env is ${shown(env)}: expected an object of variables.`);
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const read = environment.safeParse(given);
  const temporal = readTemporal(env);
  const problems = read.success ? [] : wrongVariables(read.error, given);
  problems.push(...contradictions(given));
  if ('problem' in temporal) problems.push(temporal.problem);
  if (!read.success || 'problem' in temporal || problems.length > 0) throw new ConfigError(problems);

  const values = read.data;
  const dataDir = resolve(cwd, values.TIDEMARK_DATA_DIR);
  try {
    return Object.freeze({ ...sections(values, { cwd, dataDir }), temporal: Object.freeze(temporal.connection) });
  } catch (error) {
    if (!(error instanceof UnusableVariableError)) throw error;
    throw new ConfigError([unusable(error, given)]);
  }
}

function sections(
  values: z.output<typeof environment>,
  { cwd, dataDir }: { cwd: string; dataDir: string },
): Omit<Config, 'temporal'> {
  return {
    dataDir,
    database: readDatabase(values, { cwd, dataDir }),
    bodies: readBodies(values, { cwd }),
    gmailRootUrl: values.GMAIL_ROOT_URL,
    googleTokenUrl: values.GOOGLE_TOKEN_URL,
    googleAdminUrl: values.GOOGLE_ADMIN_URL,
    googleAuthUrl: values.GOOGLE_AUTH_URL,
    quota: readQuota(values, { cwd }),
    deployment: readDeployment(values, cwd),
    telemetry: readTelemetry(values),
    tracing: readTracing(values),
    secrets: readSecrets(values, { cwd }),
    push: readPush(values, { cwd }),
    webhooks: readWebhooks(values),
    logLevel: values.LOG_LEVEL,
    taskQueue: values.TIDEMARK_TASK_QUEUE,
  };
}

function unusable(
  { variable, message }: UnusableVariableError,
  given: Record<string, string | undefined>,
): ConfigProblem {
  const name = (Object.keys(VARIABLES) as Name[]).find((known) => known === variable);
  if (name === undefined) return { name: variable, given: 'unusable', expected: message };
  return { name, given: `${describe(name, given[name] ?? '')} (${message})`, expected: VARIABLES[name].expected };
}

/**
 * A copy of a configuration with some values changed.
 *
 * @param config - the configuration, which stays as it is
 * @param changes - the values that differ, whole sections such as `push` included
 * @returns the copy, frozen
 * @throws {UsageError} when a value has a name that there is not
 */
export function changedConfig(config: Config, changes: Partial<Config>): Config {
  requireConfig(config);
  const unknown = Object.keys(changes).find((name) => !Object.hasOwn(config, name));
  if (unknown !== undefined)
    throw new UsageError(`The configuration has no "${unknown}": it has ${Object.keys(config).join(', ')}.`);
  return Object.freeze({ ...config, ...changes });
}

const SECTIONS: OptionNames<Config> = {
  dataDir: true,
  database: true,
  bodies: true,
  gmailRootUrl: true,
  googleTokenUrl: true,
  googleAdminUrl: true,
  googleAuthUrl: true,
  quota: true,
  deployment: true,
  telemetry: true,
  tracing: true,
  secrets: true,
  push: true,
  webhooks: true,
  logLevel: true,
  temporal: true,
  taskQueue: true,
};

/**
 * Refuses what is no configuration, for callers in plain JavaScript: parts of one would be used without their defaults.
 *
 * @returns the configuration
 * @throws {UsageError} when something is missing in it
 */
export function requireConfig(config: Config): Config {
  const missing = Object.keys(SECTIONS).find((name) => !Object.hasOwn(Object(config), name));
  if (missing !== undefined)
    throw new UsageError(`The config has no "${missing}": give what loadConfig() answers, or changedConfig() of that.`);
  return config;
}

/** Of variables that exclude each other, the first one that is set is fine, and the others are the problem. */
function contradictions(given: Readonly<Record<string, unknown>>): ConfigProblem[] {
  return EXCLUSIVE_VARIABLES.flatMap((names) => {
    const [first, ...others] = names.filter((name) => given[name] !== undefined);
    return others.map((name) => ({
      name,
      given: `set beside ${first}`,
      expected: `one of ${names.join(', ')} at most, for example only ${first}`,
    }));
  });
}

function wrongVariables(error: z.ZodError, given: Record<string, string | undefined>): ConfigProblem[] {
  const names = new Set(error.issues.map((issue) => issue.path[0]));
  return (Object.keys(VARIABLES) as Name[])
    .filter((name) => names.has(name))
    .toSorted()
    .map((name) => ({
      name,
      given: `${describe(name, given[name] ?? '')}${troubleWords(error, name)}`,
      expected: VARIABLES[name].expected,
    }));
}

/** What a schema says of its value beside that it is wrong: ` (it names no host)`. */
function troubleWords({ issues }: z.ZodError, name: Name): string {
  for (const issue of issues) {
    const trouble: unknown = issue.path[0] === name && issue.code === 'custom' ? issue.params?.[TROUBLE] : undefined;
    if (typeof trouble === 'string') return ` (${trouble})`;
  }
  return '';
}

/**
 * The given value in a form fit for a terminal and a log: without keys, without the password in an address, and cut to
 * a bounded length.
 */
function describe(name: Name, text: string): string {
  if ('secret' in VARIABLES[name]) return `a text of ${text.length} characters`;
  const shown = text.replace(/(\/\/).*@/, '$1…@').replace(/password=[^&]*/i, 'password=…');
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
        expected:
          'what https://docs.temporal.io/develop/environment-configuration describes, ' +
          'for example TEMPORAL_ADDRESS=localhost:7233',
      },
    };
  }
}
