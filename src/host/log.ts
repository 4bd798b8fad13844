import { DefaultLogger, type Logger, type LogLevel as TemporalLevel } from '@temporalio/worker';
import pino, { type Logger as PinoLogger } from 'pino';

import type { LogLevel } from '../config/config.ts';
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

/** What the SDK itself says at INFO (bundle sizes, state changes of a worker) is of use to whoever debugs it. */
const QUIETER = { TRACE: 'trace', DEBUG: 'trace', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const satisfies Record<TemporalLevel, string>;
/** What our workflows and activities say is meant as it is. */
const AS_MEANT = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const satisfies Record<TemporalLevel, string>;

/** Said of every worker that only runs activities, which ours for the backfill is meant to. */
const NO_NEWS = 'No workflows registered, not polling for workflow tasks';

/** Temporal's SDK logs through ours. Every line of a workflow or an activity has `mailbox`, `workflowId` and `runId`. */
export function temporalLogger(log: Log): Logger {
  return new DefaultLogger('TRACE', ({ level, message, meta }) => {
    const fields = fieldsOf(meta);
    const levels = fields['sdkComponent'] === 'activity' || fields['sdkComponent'] === 'workflow' ? AS_MEANT : QUIETER;
    log[message === NO_NEWS ? 'trace' : levels[level]](fields, message);
  });
}

/** The workflow of a mailbox is named by it: src/workflows/definitions.ts. */
const WORKFLOW_ID = /^mailbox\/(.+)$/;

function fieldsOf(meta: unknown): Record<string, unknown> {
  if (typeof meta !== 'object' || meta === null) return {};
  // An activity's run id is named otherwise than a workflow's; its task token completes it, and is nobody's business.
  const { workflowRunId, taskToken: _token, ...fields }: Record<string, unknown> = { ...meta };
  const mailbox = typeof fields['workflowId'] === 'string' ? WORKFLOW_ID.exec(fields['workflowId'])?.[1] : undefined;
  const named = { ...(mailbox === undefined ? {} : { mailbox }), ...fields, ...(workflowRunId === undefined ? {} : { runId: workflowRunId }) };
  // `error` itself is described by the log's serializer.
  return Object.fromEntries(Object.entries(named).map(([name, value]) => [name, name !== 'error' && value instanceof Error ? describeError(value) : value]));
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { name: typeof error };
  return { name: error.name, message: error.message, stack: error.stack, ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}) };
}
