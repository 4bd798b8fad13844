import type { Clock } from '../../model/clock.ts';

/** A time that differs from the expected one by more than this (ms) is not believed at once. */
const TOLERANCE = 10_000;
/** How much faster than Google's clock a machine's steady clock may run. */
const DRIFT = 0.0001;

/**
 * Google's time, by the `date` of each answer. All workers share this clock, whatever their own clocks say, and quotas,
 * history, watches and assertions are counted by it. Between answers, the machine's steady clock, which never jumps,
 * counts on. The time lags by the travel time of an answer plus at most a second. Before the first answer it is the
 * machine's own clock, so a worker asks Gmail once before an activity or its housekeeping relies on it
 * (`activities/sessions.ts`).
 *
 * A single odd date changes nothing: a differing time is believed only when the machine's own clock or the next answer
 * agrees.
 */
export class GoogleClock implements Clock {
  readonly #own: Clock;
  readonly #steady: () => number;
  /** The offset from the steady clock to Google's time, and the steady time at which it was measured. */
  #known: { readonly offset: number; readonly at: number } | null = null;
  /** The offset of the last answer, if it was not believed; otherwise null. */
  #departing: number | null = null;

  /** @param steady - milliseconds that only go forward, from any origin */
  constructor(own: Clock, steady: () => number) {
    this.#own = own;
    this.#steady = steady;
  }

  get isSet(): boolean {
    return this.#known !== null;
  }

  now(): number {
    return this.#known === null ? this.#own.now() : Math.round(this.#steady() + this.#known.offset);
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return this.#own.sleep(milliseconds, signal);
  }

  random(): number {
    return this.#own.random();
  }

  /**
   * Takes the date of an answer. Answers arrive late and dates are rounded down, so Google's time is never earlier, and
   * the highest offset is the most accurate.
   *
   * @param date - epoch ms, from an answer that has just arrived
   */
  hear(date: number): void {
    const at = this.#steady();
    const offset = date - at;
    const before = this.#known === null ? null : this.#known.offset - (at - this.#known.at) * DRIFT;
    const departs = before !== null && Math.abs(offset - before) > TOLERANCE;
    if (departs && !this.#isConfirmed(date, offset)) {
      this.#departing = offset;
      return;
    }
    this.#departing = null;
    this.#known = { offset: before === null || departs ? offset : Math.max(offset, before), at };
  }

  #isConfirmed(date: number, offset: number): boolean {
    if (Math.abs(this.#own.now() - date) <= TOLERANCE) return true;
    return this.#departing !== null && Math.abs(this.#departing - offset) <= TOLERANCE;
  }
}
