import type { Sinks } from '@temporalio/workflow';

/** Sinks that report the clock from workflows without leaving anything in their histories. */
export interface ClockSinks extends Sinks {
  readonly clock: {
    /** Reports the server's time from a workflow task (epoch ms), so that the worker can compare its own clock. */
    seen(serverTime: number): void;
  };
}
