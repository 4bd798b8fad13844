import pino, { type Logger as PinoLogger } from 'pino';

import type { LogLevel } from '../model/log-level.ts';
import { visibleLine } from '../model/visible-text.ts';
import { makePrivateFile, tighten } from './private-files.ts';

export type Log = PinoLogger;

/**
 * Structured lines, on stderr or in a file of its owner's alone: stdout belongs to results. Errors are logged by name, message and stack alone: their other fields may hold
 * what was asked of Gmail.
 */
export function createLog(level: LogLevel, file: string | null = null): Log {
  if (file !== null) {
    makePrivateFile(file);
    tighten(file);
  }
  const destination = pino.destination(file === null ? { dest: STDERR, sync: true } : { dest: file, sync: true });
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: { error: describeError } }, { write: (line: string) => destination.write(`${visibleLine(line.replace(/\n$/, ''))}\n`) });
}

const STDERR = 2;

/** What a log says of an error: nothing but its name, message, stack and cause. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { name: typeof error };
  return { name: error.name, message: error.message, stack: error.stack, ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}) };
}
