import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';

/** What is examined. */
export interface Installation {
  readonly config: Config;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}
