import type { Output } from '../cli/output.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';

export interface StartOptions {
  readonly once?: boolean;
  readonly failOnFailures?: boolean;
  readonly mbox?: string;
  readonly messages?: number;
  readonly traffic: boolean;
  readonly port?: number;
  readonly uiPort?: number;
  readonly simulatorPort: number;
}

/** What a run of `npm start` works with. */
export interface StartContext {
  readonly config: Config;
  readonly options: StartOptions;
  readonly clock: Clock;
  readonly out: Output;
  /** Each text is one line. */
  readonly say: (...lines: readonly string[]) => void;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** Registers a function that closes something at the end. The functions run in reverse order of registration. */
  readonly onEnd: (close: () => Promise<void> | void) => void;
}
