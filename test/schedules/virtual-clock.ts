import type { Clock } from '../../src/model/clock.ts';
import type { Random } from './random.ts';

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Turns of the event loop after which nothing can run on without the clock: there is no real I/O in a schedule. */
const TURNS = 4;

/** Time that passes only when everybody sleeps: a day of a mailbox takes milliseconds. Sleepers of one instant wake in seeded order. */
export class VirtualClock implements Clock {
  #now: number;
  readonly #random: Random;
  #sleepers: Sleeper[] = [];

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
      const sleeper: Sleeper = { at: this.#now + Math.max(0, Math.ceil(milliseconds)), order: this.#random.next(), wake: resolve };
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason as Error);
      });
      this.#sleepers.push(sleeper);
    });
  }

  /** Lets time pass until `done`, at most `limit` milliseconds; answers whether it came to that. */
  async runUntil(done: () => boolean | Promise<boolean>, limit: number): Promise<boolean> {
    const end = this.#now + limit;
    for (;;) {
      await idle();
      if (await done()) return true;
      await idle();
      const next = this.#sleepers.reduce<Sleeper | null>((first, other) => (first === null || other.at < first.at || (other.at === first.at && other.order < first.order) ? other : first), null);
      if (next === null || next.at > end) {
        this.#now = end;
        return false;
      }
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
  }
}

async function idle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
