import type { ApiMethod } from './method-prices.ts';
import { RollingSum } from './rolling-sum.ts';

export interface MethodUse {
  /** Admitted calls, without those that were rejected. */
  calls: number;
  /** Units of the admitted calls. */
  units: number;
  /** Calls refused for rate or concurrency. They cost nothing. */
  rejected: number;
}

export interface UseSummary extends MethodUse {
  /** The most units admitted in any 60 seconds. */
  readonly peakUnitsPerMinute: number;
  /** The most units admitted in any 10 seconds. */
  readonly peakUnitsPerTenSeconds: number;
  /** The most calls in flight at once; a batch of 50 counts as 50. */
  readonly peakConcurrency: number;
  readonly methods: Readonly<Partial<Record<ApiMethod, Readonly<MethodUse>>>>;
}

export interface UsageReport extends UseSummary {
  /** HTTP requests, including those for tokens; a batch of 50 counts as one. */
  readonly requests: number;
  readonly users: Readonly<Record<string, UseSummary>>;
}

/** Usage of one user, or of the whole project. */
export class Tally {
  readonly minute = new RollingSum(60_000);
  readonly tenSeconds = new RollingSum(10_000);
  readonly #methods = new Map<ApiMethod, MethodUse>();
  #peakConcurrency = 0;
  inFlight = 0;

  enter(): void {
    this.inFlight += 1;
    this.#peakConcurrency = Math.max(this.#peakConcurrency, this.inFlight);
  }

  accept(now: number, method: ApiMethod, units: number): void {
    const use = this.#use(method);
    use.calls += 1;
    use.units += units;
    this.minute.add(now, units);
    this.tenSeconds.add(now, units);
  }

  reject(method: ApiMethod): void {
    this.#use(method).rejected += 1;
  }

  summary(): UseSummary {
    const total = { calls: 0, units: 0, rejected: 0 };
    for (const use of this.#methods.values()) {
      total.calls += use.calls;
      total.units += use.units;
      total.rejected += use.rejected;
    }
    return {
      ...total,
      peakUnitsPerMinute: this.minute.peak,
      peakUnitsPerTenSeconds: this.tenSeconds.peak,
      peakConcurrency: this.#peakConcurrency,
      methods: Object.fromEntries([...this.#methods].map(([method, use]) => [method, { ...use }])),
    };
  }

  #use(method: ApiMethod): MethodUse {
    const use = this.#methods.get(method) ?? { calls: 0, units: 0, rejected: 0 };
    this.#methods.set(method, use);
    return use;
  }
}

/** Calls and their costs: per user, per method, and in total. */
export class UsageMeter {
  #project = new Tally();
  #users = new Map<string, Tally>();
  #requests = 0;

  get calls(): number {
    return this.#project.summary().calls;
  }

  get units(): number {
    return this.#project.summary().units;
  }

  get rejected(): number {
    return this.#project.summary().rejected;
  }

  get requests(): number {
    return this.#requests;
  }

  get project(): Tally {
    return this.#project;
  }

  user(email: string): Tally {
    const tally = this.#users.get(email) ?? new Tally();
    this.#users.set(email, tally);
    return tally;
  }

  /** The usage of one user; all zero when the user made no calls. */
  of(email: string): UseSummary {
    return this.user(email).summary();
  }

  /** Moves the account's usage to its new address. */
  rename(from: string, to: string): void {
    const tally = this.#users.get(from);
    if (this.#users.delete(from) && tally !== undefined) this.#users.set(to, tally);
  }

  countRequest(): void {
    this.#requests += 1;
  }

  report(): UsageReport {
    const users = Object.fromEntries([...this.#users].map(([email, tally]) => [email, tally.summary()]));
    return { ...this.#project.summary(), requests: this.#requests, users };
  }

  /** Resets all counts. This also restarts the quota's windows; calls in flight stay in flight. */
  reset(): void {
    const fresh = (before: Tally): Tally => {
      const after = new Tally();
      after.inFlight = before.inFlight;
      return after;
    };
    this.#project = fresh(this.#project);
    this.#users = new Map([...this.#users].map(([email, tally]) => [email, fresh(tally)]));
    this.#requests = 0;
  }
}
