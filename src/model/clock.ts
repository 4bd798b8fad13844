import { UsageError } from './program-errors.ts';

/** Time and randomness, injected so that a whole run can be simulated under a seeded scheduler. */
export interface Clock {
  /**
   * Milliseconds since the epoch.
   *
   * @returns epoch milliseconds
   */
  now(): number;
  /**
   * False while the time is only the machine's own, until an answer of Google's sets the clock: no time in the store
   * may be judged by it yet. Absent when the clock is right from the beginning.
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

/**
 * Refuses a value that is no clock, for callers in plain JavaScript.
 *
 * @param of - what takes the clock, for the message
 * @throws {UsageError} when it lacks a method
 */
export function requireClock(of: string, clock: Clock): Clock {
  const missing = ['now', 'sleep', 'random'].filter((name) => typeof Reflect.get(Object(clock), name) !== 'function');
  if (missing.length > 0) throw new UsageError(`The clock of ${of} has no ${missing.join(', ')}: give systemClock.`);
  return clock;
}
