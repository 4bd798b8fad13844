import { DefaultLogger, type Logger, type LogLevel as TemporalLevel } from '@temporalio/worker';

import { describeError, type Log } from '../host/log.ts';

/** Levels of the SDK's own messages: at INFO (bundle sizes, state changes of a worker) they only help to debug it. */
const QUIETER = {
  TRACE: 'trace',
  DEBUG: 'trace',
  INFO: 'debug',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<TemporalLevel, string>;
/** Levels of messages from our workflows and activities: they stay as they are. */
const AS_MEANT = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<TemporalLevel, string>;

/** The SDK warns of every worker that runs only activities. Our worker for the backfill does so on purpose. */
const NO_NEWS = 'No workflows registered, not polling for workflow tasks';

/**
 * Lets Temporal's SDK log through our log. Every line of a workflow or an activity has `mailbox`, `workflowId` and
 * `runId`.
 */
export function temporalLogger(log: Log): Logger {
  return new DefaultLogger('TRACE', ({ level, message, meta }) => {
    const fields = fieldsOf(meta);
    const levels = fields['sdkComponent'] === 'activity' || fields['sdkComponent'] === 'workflow' ? AS_MEANT : QUIETER;
    log[message === NO_NEWS ? 'trace' : levels[level]](fields, message);
  });
}

/** The id of a mailbox's workflow contains the mailbox: see src/workflows/definitions.ts. */
const WORKFLOW_ID = /^mailbox\/(.+)$/;

function fieldsOf(meta: unknown): Record<string, unknown> {
  if (typeof meta !== 'object' || meta === null) return {};
  // An activity's run id has another name than a workflow's. Its task token can complete the activity, so it is secret.
  const { workflowRunId, taskToken: _token, ...fields }: Record<string, unknown> = { ...meta };
  const mailbox = typeof fields['workflowId'] === 'string' ? WORKFLOW_ID.exec(fields['workflowId'])?.[1] : undefined;
  const named = {
    ...(mailbox === undefined ? {} : { mailbox }),
    ...fields,
    ...(workflowRunId === undefined ? {} : { runId: workflowRunId }),
  };
  // The log's own serializer describes `error`.
  return Object.fromEntries(
    Object.entries(named).map(([name, value]) => [
      name,
      name !== 'error' && value instanceof Error ? describeError(value) : value,
    ]),
  );
}
