import { DefaultLogger, type Logger, type LogLevel as TemporalLevel } from '@temporalio/worker';
import pino, { type Logger as PinoLogger } from 'pino';

import type { LogLevel } from './config.ts';

export type Log = PinoLogger;

/**
 * Structured lines, on stderr or in a file: stdout belongs to results. Errors are logged by name, message and stack alone: their other fields may hold
 * what was asked of Gmail.
 */
export function createLog(level: LogLevel, file: string | null = null): Log {
  const destination = pino.destination(file === null ? { dest: STDERR, sync: true } : { dest: file, sync: true, mkdir: true });
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: { error: describeError } }, destination);
}

const STDERR = 2;

/** What the SDK says at INFO (bundle sizes, state changes of a worker) is of use to whoever debugs it. */
const QUIETER = { TRACE: 'trace', DEBUG: 'trace', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const satisfies Record<TemporalLevel, string>;

/** Said of every worker that only runs activities, which ours for the backfill is meant to. */
const NO_NEWS = 'No workflows registered, not polling for workflow tasks';

/** Temporal's SDK logs through ours. */
export function temporalLogger(log: Log): Logger {
  return new DefaultLogger('TRACE', ({ level, message, meta }) => log[message === NO_NEWS ? 'trace' : QUIETER[level]](fieldsOf(meta), message));
}

function fieldsOf(meta: unknown): object {
  if (typeof meta !== 'object' || meta === null) return {};
  return Object.fromEntries(Object.entries(meta).map(([name, value]) => [name, value instanceof Error ? describeError(value) : value]));
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { name: typeof error };
  return { name: error.name, message: error.message, stack: error.stack, ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}) };
}
