import type { WorkflowInterceptors } from '@temporalio/workflow';

/** The header in which Temporal's OpenTelemetry interceptors hand the trace on. */
const TRACE_HEADER = '_tracer-data';

/**
 * A mailbox lives for years, by continue-as-new; one trace over all of it would never end, and no tool could show it.
 * So a run hands its trace on to its own activities only, and the next run begins a trace of its own. A run has a few
 * hundred events. Loaded where tracing is on; issues no command.
 */
export const interceptors = (): WorkflowInterceptors => ({
  outbound: [
    {
      async continueAsNew(input, next) {
        const { [TRACE_HEADER]: _trace, ...headers } = input.headers;
        return next({ ...input, headers });
      },
    },
  ],
});
