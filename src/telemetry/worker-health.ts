import type { Clock } from '../model/clock.ts';
import type { HealthSource, HealthVerdict } from './health-server.ts';

/** The part of Temporal's worker that the health check uses. */
export interface PollingWorker {
  getState(): string;
}

/** What a running worker consists of. */
export interface RunningParts {
  /** Temporal's workers by task queue. */
  readonly workers: Readonly<Record<string, PollingWorker>>;
  /** Checks of what the workers need, by name. A check resolves when the service answers as it should. */
  readonly checks: Readonly<Record<string, () => Promise<unknown>>>;
}

/** Milliseconds after which a check has failed. Probes give up after a second or more. */
const PATIENCE = 2_000;

/**
 * The health of a worker process, which passes through three stages in this order:
 * - `starting`: the process waits for its server. It is alive, because a restart would not help, but not ready.
 * - `running`: the process is alive while Temporal's workers poll, and ready while everything that they need answers.
 * - `draining`: the process was asked to stop. It is alive until it has ended, but no longer ready.
 */
export class WorkerHealth implements HealthSource {
  readonly #clock: Clock;
  readonly #tell: (name: string, error: unknown) => void;
  readonly #failing = new Set<string>();
  #stage: 'starting' | 'running' | 'draining' = 'starting';
  #parts: RunningParts = { workers: {}, checks: {} };
  #round: Promise<HealthVerdict> | null = null;

  /**
   * @param tell - called once when a check begins to fail. The error may name addresses, so probes do not see it
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

  healthy(): HealthVerdict {
    // A draining worker passes through other states, and a restart would interrupt its work.
    const reasons = this.#stage === 'running' ? this.#notPolling() : [];
    return reasons.length === 0 ? { ok: true, status: this.#stage, reasons } : { ok: false, status: 'failed', reasons };
  }

  ready(): Promise<HealthVerdict> {
    if (this.#stage !== 'running') return Promise.resolve(this.#notRunning());
    // Concurrent probes share one round of checks.
    this.#round ??= this.#check().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  async #check(): Promise<HealthVerdict> {
    const failures = await Promise.all(
      Object.entries(this.#parts.checks).map(([name, check]) => this.#failureOf(name, check)),
    );
    // The worker may have begun to drain while the checks ran.
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

  #notRunning(): HealthVerdict {
    return {
      ok: false,
      status: this.#stage,
      reasons: [this.#stage === 'starting' ? 'waiting for the Temporal server' : 'told to stop'],
    };
  }
}
