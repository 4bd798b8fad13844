import type { Clock } from '../model/clock.ts';
import type { HealthSource, Verdict } from './health-server.ts';

/** The part of Temporal's worker that is asked. */
export interface PollingWorker {
  getState(): string;
}

/** What a running worker consists of. */
export interface RunningParts {
  /** By their task queue. */
  readonly workers: Readonly<Record<string, PollingWorker>>;
  /** What they need, by name: each resolves when it answers as it should. */
  readonly checks: Readonly<Record<string, () => Promise<unknown>>>;
}

/** A check that takes longer has failed; probes give up after a second or more. */
const PATIENCE = 2_000;

/**
 * The health of a worker process. It goes one way:
 * - `starting`: it waits for its server. Alive, for a restart would bring nothing; not ready;
 * - `running`: alive while Temporal's workers poll, ready while everything that they need answers;
 * - `draining`: it was told to stop. Alive until it has ended; not ready from the first moment on.
 */
export class WorkerHealth implements HealthSource {
  readonly #clock: Clock;
  readonly #tell: (name: string, error: unknown) => void;
  readonly #failing = new Set<string>();
  #stage: 'starting' | 'running' | 'draining' = 'starting';
  #parts: RunningParts = { workers: {}, checks: {} };
  #asked: Promise<Verdict> | null = null;

  /**
   * @param tell - hears once why a check has begun to fail: the reason names addresses, and whoever probes isn't told
   */
  constructor(clock: Clock, tell: (name: string, error: unknown) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  run(parts: RunningParts): void {
    this.#parts = parts;
    if (this.#stage === 'starting') this.#stage = 'running';
  }

  drain(): void {
    this.#stage = 'draining';
  }

  healthy(): Verdict {
    // A worker that drains passes through other states, and a restart would cut its work off.
    const reasons = this.#stage === 'running' ? this.#notPolling() : [];
    return reasons.length === 0 ? { ok: true, status: this.#stage, reasons } : { ok: false, status: 'failed', reasons };
  }

  ready(): Promise<Verdict> {
    if (this.#stage !== 'running') return Promise.resolve(this.#notRunning());
    // Any number of probes at once cost one round of checks.
    this.#asked ??= this.#check().finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  async #check(): Promise<Verdict> {
    const failures = await Promise.all(
      Object.entries(this.#parts.checks).map(([name, check]) => this.#failureOf(name, check)),
    );
    // The answer may come when the worker drains already.
    if (this.#stage !== 'running') return this.#notRunning();
    const reasons = [...this.#notPolling(), ...failures.filter((reason) => reason !== null)];
    return reasons.length === 0 ? { ok: true, status: 'ready', reasons } : { ok: false, status: 'not ready', reasons };
  }

  async #failureOf(name: string, check: () => Promise<unknown>): Promise<string | null> {
    const over = new AbortController();
    const late = this.#clock.sleep(PATIENCE, over.signal).then(
      () => Promise.reject(new Error(`no answer within ${PATIENCE / 1_000} s`)),
      () => null,
    );
    try {
      await Promise.race([check(), late]);
      this.#failing.delete(name);
      return null;
    } catch (error) {
      if (!this.#failing.has(name)) this.#tell(name, error);
      this.#failing.add(name);
      return `${name} is not ready`;
    } finally {
      over.abort();
    }
  }

  #notPolling(): string[] {
    return Object.entries(this.#parts.workers).flatMap(([queue, worker]) => {
      const state = worker.getState();
      return state === 'RUNNING' ? [] : [`the worker of queue ${queue} is ${state}`];
    });
  }

  #notRunning(): Verdict {
    return {
      ok: false,
      status: this.#stage,
      reasons: [this.#stage === 'starting' ? 'waiting for the Temporal server' : 'told to stop'],
    };
  }
}
