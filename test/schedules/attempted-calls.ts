import type { WorkerDependencies } from '../../src/activities/create-activities.ts';
import type { ActivityRun } from '../../src/activities/dependencies.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Random } from './seeded-random.ts';

export interface Attempt {
  readonly deps: WorkerDependencies;
  readonly run: ActivityRun;
}

export type AttemptResult<Value> =
  | { readonly kind: 'completed'; readonly value: Value }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The server abandoned the attempt: its worker is dead, or is only cut off and still working. */
  | { readonly kind: 'lost' };

/** How attempts come to harm. The probabilities are per call that an attempt makes. */
export interface Perils {
  /** The worker dies before or after the call. Nothing of the attempt continues. */
  death: number;
  /** The server loses sight of the attempt, which continues beside its successor. */
  blindness: number;
  /** Upper bound of a random delay of the answer, in milliseconds. */
  delayMs: number;
}

/** Called for every call of every attempt. */
export type Trace = (line: string) => void;

const HEARTBEAT_TIMEOUT = 15_000;

/** Runs attempts. Each call to the store or to Gmail may be an attempt's last. */
export class Attempts {
  readonly perils: Perils;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #newWorker: () => WorkerDependencies;
  #worker: Worker;
  readonly #trace: Trace | null;
  #count = 0;

  constructor(options: {
    perils: Perils;
    clock: Clock;
    random: Random;
    newWorker: () => WorkerDependencies;
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
    const deps: WorkerDependencies = {
      ...given,
      store: guarded(given.store, gate, trace),
      openSession: async (request) => guarded(await given.openSession(request), gate, trace),
    };
    // A worker that is cut off learns of its cancellation late or never. Never aborting is the harder case.
    const run: ActivityRun = { signal: new AbortController().signal, progress: () => undefined };
    const finished = activity({ deps, run }).then(
      (value): AttemptResult<Value> => ({ kind: 'completed', value }),
      (error: unknown): AttemptResult<Value> => ({ kind: 'failed', error }),
    );
    return await Promise.race([finished, lost.promise]);
  }

  /** A gate that each call passes before and after. After the worker's death, the gate never opens again. */
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

  /**
   * Does what SIGKILL does: all attempts of the worker stop where they are, and a worker with empty memory takes over.
   */
  killWorker(): void {
    this.#worker.dead = true;
    for (const lose of this.#worker.onDeath) lose();
    this.#worker = { deps: this.#newWorker(), dead: false, onDeath: [] };
  }
}

interface Worker {
  readonly deps: WorkerDependencies;
  dead: boolean;
  readonly onDeath: (() => void)[];
}

/** Wraps an object so that each of its asynchronous methods passes the gate before and after. */
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
