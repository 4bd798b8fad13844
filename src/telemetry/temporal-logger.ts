import { DefaultLogger, type Logger, type LogLevel as TemporalLevel } from '@temporalio/worker';

import { describeError, type Log } from '../host/log.ts';

/** What the SDK itself says at INFO (bundle sizes, state changes of a worker) is of use to whoever debugs it. */
const QUIETER = {
  TRACE: 'trace',
  DEBUG: 'trace',
  INFO: 'debug',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<TemporalLevel, string>;
/** What our workflows and activities say is meant as it is. */
const AS_MEANT = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<TemporalLevel, string>;

/** Said of every worker that only runs activities, which ours for the backfill is meant to. */
const NO_NEWS = 'No workflows registered, not polling for workflow tasks';

/**
 * Temporal's SDK logs through ours. Every line of a workflow or an activity has `mailbox`, `workflowId` and `runId`.
 */
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
  const named = {
    ...(mailbox === undefined ? {} : { mailbox }),
    ...fields,
    ...(workflowRunId === undefined ? {} : { runId: workflowRunId }),
  };
  // `error` itself is described by the log's serializer.
  return Object.fromEntries(
    Object.entries(named).map(([name, value]) => [
      name,
      name !== 'error' && value instanceof Error ? describeError(value) : value,
    ]),
  );
}
