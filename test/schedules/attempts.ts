import type { ActivityDependencies, ActivityRun } from '../../src/activities/dependencies.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Random } from './random.ts';

export interface Attempt {
  readonly deps: ActivityDependencies;
  readonly run: ActivityRun;
}

export type AttemptResult<Value> =
  | { readonly kind: 'completed'; readonly value: Value }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The server gave it up: its worker is dead, or only cut off and still at work. */
  | { readonly kind: 'lost' };

/** How attempts come to harm. Probabilities of each single call that an attempt makes. */
export interface Perils {
  /** The worker dies before or after the call: nothing of the attempt runs on. */
  death: number;
  /** The server loses sight of the attempt, which goes on beside its successor. */
  blindness: number;
  /** The answer takes this much longer, in milliseconds, at most. */
  delayMs: number;
}

/** Told of every call of every attempt. */
export type Trace = (line: string) => void;

const HEARTBEAT_TIMEOUT = 15_000;

/** Runs attempts whose every call of store and Gmail may be the last. */
export class Attempts {
  readonly perils: Perils;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #newWorker: () => ActivityDependencies;
  #worker: Worker;
  readonly #trace: Trace | null;
  #count = 0;

  constructor(options: {
    perils: Perils;
    clock: Clock;
    random: Random;
    newWorker: () => ActivityDependencies;
    trace: Trace | null;
  }) {
    this.#trace = options.trace;
    this.perils = options.perils;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#newWorker = options.newWorker;
    this.#worker = { deps: options.newWorker(), dead: false, onDeath: [] };
  }

  async run<Value>(activity: (attempt: Attempt) => Promise<Value>): Promise<AttemptResult<Value>> {
    const lost = Promise.withResolvers<AttemptResult<Value>>();
    const lose = (): void => {
      void this.#clock.sleep(HEARTBEAT_TIMEOUT).then(() => lost.resolve({ kind: 'lost' }));
    };
    const worker = this.#worker;
    worker.onDeath.push(lose);
    const gate = this.#gate(worker, lose);
    const number = ++this.#count;
    const trace: Trace | null = this.#trace === null ? null : (line) => this.#trace?.(`#${number} ${line}`);
    const given = worker.deps;
    const deps: ActivityDependencies = {
      ...given,
      store: guarded(given.store, gate, trace),
      openSession: async (request) => guarded(await given.openSession(request), gate, trace),
    };
    // A worker that was cut off hears of its cancellation late or never: no abort here is the harder case.
    const run: ActivityRun = { signal: new AbortController().signal, progress: () => undefined };
    const finished = activity({ deps, run }).then(
      (value): AttemptResult<Value> => ({ kind: 'completed', value }),
      (error: unknown): AttemptResult<Value> => ({ kind: 'failed', error }),
    );
    return await Promise.race([finished, lost.promise]);
  }

  /** Passed before and after each call. After the worker's death it never opens again. */
  #gate(worker: Worker, lose: () => void): () => Promise<void> {
    let lostSight = false;
    return async () => {
      if (this.perils.delayMs > 0 && this.#random.chance(0.3))
        await this.#clock.sleep(this.#random.below(this.perils.delayMs));
      if (!worker.dead && this.#random.chance(this.perils.death)) this.killWorker();
      if (!lostSight && !worker.dead && this.#random.chance(this.perils.blindness)) {
        lostSight = true;
        lose();
      }
      if (worker.dead) await new Promise(() => undefined);
    };
  }

  /** SIGKILL: all attempts of the worker stop where they are; another worker, with nothing in memory, takes over. */
  killWorker(): void {
    this.#worker.dead = true;
    for (const lose of this.#worker.onDeath) lose();
    this.#worker = { deps: this.#newWorker(), dead: false, onDeath: [] };
  }
}

interface Worker {
  readonly deps: ActivityDependencies;
  dead: boolean;
  readonly onDeath: (() => void)[];
}

/** The same object, with the gate before and after each of its asynchronous methods. */
function guarded<Target extends object>(target: Target, gate: () => Promise<void>, trace: Trace | null): Target {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (SYNCHRONOUS.has(key)) return Reflect.apply(value, object, args);
        return (async () => {
          await gate();
          const result: unknown = await Reflect.apply(value, object, args);
          trace?.(`${String(key)} ${JSON.stringify(args[0])} -> ${JSON.stringify(result)}`);
          await gate();
          return result;
        })();
      };
    },
  });
}

const SYNCHRONOUS = new Set<string | symbol>(['batchSize', 'width', 'unitsSpent']);
