import type { Clock } from '../../src/model/clock.ts';
import type { Random } from './seeded-random.ts';

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

/** After this many turns of the event loop without real I/O, all work waits for the clock. */
const TURNS = 4;

/**
 * A clock whose time passes only when all work sleeps, so that a day of a mailbox takes milliseconds. Sleepers of the
 * same instant wake in seeded order.
 */
export class VirtualClock implements Clock {
  #now: number;
  readonly #random: Random;
  #sleepers: Sleeper[] = [];
  /** Whether real I/O is under way. No time passes meanwhile. A database in memory has no real I/O. */
  isBusy: () => boolean = () => false;

  constructor(start: number, random: Random) {
    this.#now = start;
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#random.next();
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, Math.ceil(milliseconds)),
        order: this.#random.next(),
        wake: resolve,
      };
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason as Error);
      });
      this.#sleepers.push(sleeper);
    });
  }

  /** Lets time pass until `work` has ended. Only awaiting `work` would stop the clock by which it may be sleeping. */
  async during<Result>(work: Promise<Result>): Promise<Result> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    work.then(end, end);
    await this.runUntil(() => ended, Number.MAX_SAFE_INTEGER - this.#now);
    return await work;
  }

  /**
   * Lets time pass until `done`, but for at most `limit` milliseconds.
   *
   * @returns whether `done` came true
   */
  async runUntil(done: () => boolean | Promise<boolean>, limit: number): Promise<boolean> {
    const end = this.#now + limit;
    for (;;) {
      await this.#idle();
      if (await done()) return true;
      await this.#idle();
      const next = this.#sleepers.reduce<Sleeper | null>(
        (first, other) =>
          first === null || other.at < first.at || (other.at === first.at && other.order < first.order) ? other : first,
        null,
      );
      if (next === null || next.at > end) {
        this.#now = end;
        return false;
      }
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
  }

  async #idle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn = this.isBusy() ? 0 : turn + 1)
      await new Promise((resolve) => setImmediate(resolve));
  }
}
