import pino, { type Logger as PinoLogger } from 'pino';

import { LOG_LEVELS, type LogLevel } from '../model/log-level.ts';
import { valueAmong } from '../model/options.ts';
import { visibleLine } from '../model/visible-text.ts';
import { makePrivateFile, tighten } from './private-files.ts';

/** A log of JSON lines, as pino writes it. */
export type Log = PinoLogger;

/**
 * Logs JSON lines to stderr, since stdout belongs to results, or to a file that only its owner can read. Only the name,
 * message, stack and cause of an error are logged: its other fields may hold what was sent to Gmail.
 *
 * @param level - the least important lines that are written
 * @param file - the file; stderr unless given
 * @returns the log
 * @throws {UsageError} when there is no such level
 */
export function createLog(level: LogLevel, file: string | null = null): Log {
  valueAmong(LOG_LEVELS, 'The level', level);
  if (file !== null) {
    makePrivateFile(file);
    tighten(file);
  }
  const destination = pino.destination(file === null ? { dest: STDERR, sync: true } : { dest: file, sync: true });
  return pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: { error: describeError } },
    { write: (line: string) => destination.write(`${visibleLine(line.replace(/\n$/, ''))}\n`) },
  );
}

const STDERR = 2;

/** The part of an error that may be logged: name, message, stack and cause. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { name: typeof error };
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}
