import { resolve } from 'node:path';

import type { z } from 'zod';

import { readBodies, type BodiesConfig } from './body-variables.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { readDatabase, type DatabaseConfig } from './database-variables.ts';
import { readDeployment, type DeploymentConfig } from './deployment-variables.ts';
import { readPush, type PushConfig } from './push-variables.ts';
import { readQuota, type QuotaConfig } from './quota-variables.ts';
import { readSecrets, type SecretsConfig } from './secret-variables.ts';
import { UnusableVariableError } from './section.ts';
import { readTelemetry, type TelemetryConfig } from './telemetry-variables.ts';
import { readTracing, type TracingConfig } from './tracing-variables.ts';
import type { LogLevel } from '../model/log-level.ts';
import { readTemporalConnection, type TemporalConnection } from './temporal-connection.ts';
import { environment } from './variables.ts';
import { readWebhooks, type WebhooksConfig } from './webhook-variables.ts';
import { contradictions, unusable, wrongVariables } from './wrong-variables.ts';
import { knownOptions, shown, type OptionNames } from '../model/options.ts';
import { UsageError } from '../model/program-errors.ts';

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

/**
 * Reads the environment. An empty variable counts as unset.
 *
 * @param options.cwd - the folder from which relative paths start
 * @param options.env - the variables; those of the process unless given
 * @returns the configuration, frozen
 * @throws {ConfigError} when values are wrong; the error names all of them
 * @throws {UsageError} when an option is unknown
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

/**
 * A copy of a configuration with some values changed.
 *
 * @param config - the configuration, which stays as it is
 * @param changes - the values that differ, whole sections such as `push` included
 * @returns the copy, frozen
 * @throws {UsageError} when `changes` names a value that a configuration does not have
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
 * Refuses an incomplete configuration, which callers in plain JavaScript may pass: what is missing would have no
 * default.
 *
 * @returns the configuration
 * @throws {UsageError} when a part is missing
 */
export function requireConfig(config: Config): Config {
  const missing = Object.keys(SECTIONS).find((name) => !Object.hasOwn(Object(config), name));
  if (missing !== undefined)
    throw new UsageError(`The config has no "${missing}": give what loadConfig() answers, or changedConfig() of that.`);
  return config;
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
