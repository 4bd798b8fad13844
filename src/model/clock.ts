/** Time and randomness, injected so that a whole run can be simulated under a seeded scheduler. */
export interface Clock {
  /**
   * Milliseconds since the epoch.
   *
   * @returns epoch milliseconds
   */
  now(): number;
  /**
   * False while the time is only the machine's own, and waits to be set by an answer of Google's: no time in the store
   * may be judged by it yet. Not given: it is right from the beginning.
   */
  readonly isSet?: boolean;
  /**
   * Resolves after `milliseconds`; rejects with the signal's reason when it aborts first.
   *
   * @param milliseconds - how long it takes
   * @param signal - ends it early
   */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /**
   * Uniform in [0, 1).
   *
   * @returns a number from 0 on, below 1
   */
  random(): number;
}
