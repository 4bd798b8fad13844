import type { Clock } from '../../model/clock.ts';

/** A time that departs by more than this (ms) is not believed at once. */
const TOLERANCE = 10_000;
/** How much faster than Google's the steady clock of a machine may run. */
const DRIFT = 0.0001;

/**
 * Google's time, as the `date` of each answer tells it: the one clock that all workers share, whatever their own says, and the one by which quotas,
 * history, watches and assertions are counted. Between answers a clock that never jumps counts on. It is behind by the way of an answer, at most a second more.
 * Before the first answer it is the machine's own clock; every process fetches a token first.
 *
 * One odd date changes nothing: a time that departs is believed when the machine's own clock or the next answer says the same.
 */
export class GoogleClock implements Clock {
  readonly #own: Clock;
  readonly #steady: () => number;
  /** Google's time less the steady clock's, and when it was taken by the latter. */
  #known: { readonly offset: number; readonly at: number } | null = null;
  #departing: number | null = null;

  /** @param steady - milliseconds that only go forward, from any origin */
  constructor(own: Clock, steady: () => number) {
    this.#own = own;
    this.#steady = steady;
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
   * An answer may take its time, and a date is rounded down, so Google's time is never before it; the highest offset is the best.
   *
   * @param date - epoch ms, of an answer that has just come
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
