import type { Sinks } from '@temporalio/workflow';

/** A way out of the workflow that leaves nothing in its history. */
export interface ClockSinks extends Sinks {
  readonly clock: {
    /** Told the server's time, as the workflow task brought it (epoch ms), so that the worker can compare its own. */
    seen(serverTime: number): void;
  };
}
