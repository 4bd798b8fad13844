import { setImmediate as macrotask } from 'node:timers/promises';
import type { Clock } from '../src/model/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

export interface VirtualClock extends Clock {
  /**
   * Runs `work` to its end, moving the time to the next sleeper whenever nothing else is left to do.
   *
   * @throws {Error} when `work` waits for something that no sleeper will bring
   */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Moves the time forward, waking sleepers on the way in their order. */
  advance(milliseconds: number): Promise<void>;
  /** How many are asleep. */
  sleepers(): number;
}

/**
 * How many turns of the event loop without a sleeper's waking count as idle: in-process work yields a few times between
 * two steps.
 */
const IDLE_TURNS = 4;

/**
 * A clock whose time moves only when all is idle: hours pass in milliseconds, in the same order in every run.
 * Work that leaves the process (sockets, child processes) is not seen as work: use a real clock with those.
 *
 * @param options.start - epoch ms to begin at
 * @param options.seed - of `random`
 * @param options.isBusy - true while work goes on that yields more often than that and waits for no time: it takes none
 * then
 */
export function createVirtualClock({
  start = Date.UTC(2026, 10, 22, 9),
  seed = 1,
  isBusy = () => false,
}: { start?: number; seed?: number; isBusy?: () => boolean } = {}): VirtualClock {
  let now = start;
  let order = 0;
  let state = seed;
  const sleeping = new Set<Sleeper>();

  const next = (): Sleeper | undefined => {
    let first: Sleeper | undefined;
    for (const sleeper of sleeping) {
      if (first === undefined || sleeper.at < first.at || (sleeper.at === first.at && sleeper.order < first.order))
        first = sleeper;
    }
    return first;
  };

  const idle = async (): Promise<void> => {
    for (let turn = 0; turn < IDLE_TURNS; turn++) {
      await macrotask();
      if (isBusy()) turn = -1;
    }
  };

  return {
    now: () => now,

    sleep(milliseconds, signal) {
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      return new Promise((resolve, reject) => {
        const abort = (): void => {
          sleeping.delete(sleeper);
          reject(signal?.reason as Error);
        };
        const sleeper: Sleeper = {
          at: now + Math.max(0, milliseconds),
          order: order++,
          wake: () => {
            signal?.removeEventListener('abort', abort);
            resolve();
          },
        };
        sleeping.add(sleeper);
        signal?.addEventListener('abort', abort, { once: true });
      });
    },

    // mulberry32
    random() {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
    },

    async run(work) {
      let settled = false;
      const result = work().finally(() => {
        settled = true;
      });
      // Observed below; until then a failure is not unhandled.
      result.catch(() => {});
      for (;;) {
        await idle();
        if (settled) return await result;
        const sleeper = next();
        if (sleeper === undefined) throw new Error('the work waits for something that no sleeper will bring');
        sleeping.delete(sleeper);
        now = Math.max(now, sleeper.at);
        sleeper.wake();
      }
    },

    async advance(milliseconds) {
      const end = now + milliseconds;
      await idle();
      for (let sleeper = next(); sleeper !== undefined && sleeper.at <= end; sleeper = next()) {
        sleeping.delete(sleeper);
        now = Math.max(now, sleeper.at);
        sleeper.wake();
        await idle();
      }
      now = end;
    },

    sleepers: () => sleeping.size,
  };
}
