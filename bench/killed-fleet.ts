import { randomBytes } from 'node:crypto';
import { openSync } from 'node:fs';
import { join } from 'node:path';

import { systemClock as clock } from '../src/host/system-clock.ts';
import type { DevServer } from '../src/temporal/dev-server/index.ts';
import { PostgresServer } from '../test/fixtures/postgres/postgres-server.ts';
import { portOf } from '../test/fixtures/temporal/own-server.ts';
import { startProgram } from './bench-processes.ts';
import { startServerIn } from './dev-server.ts';

export interface Kills {
  readonly workers: number;
  readonly postgres: number;
  readonly temporal: number;
}

type Worker = ReturnType<typeof startProgram>;

const WORKERS = 2;
/** Ms between two kills, on average. */
const KILL_EVERY = 8_000;

/** Real processes that are killed one after another and started again at once: workers, PostgreSQL, Temporal. */
export class KilledFleet {
  readonly postgres: PostgresServer;
  readonly #folder: string;
  readonly #log: number;
  readonly #key = randomBytes(32).toString('base64');
  #temporal: DevServer;
  #startWorker: (() => Worker) | null = null;
  #workers: Worker[] = [];

  private constructor(parts: { folder: string; postgres: PostgresServer; temporal: DevServer }) {
    this.#folder = parts.folder;
    this.postgres = parts.postgres;
    this.#temporal = parts.temporal;
    this.#log = openSync(join(parts.folder, 'worker.log'), 'a');
  }

  /** Starts both servers. Their data outlives kills. */
  static async open(folder: string): Promise<KilledFleet> {
    const postgres = await PostgresServer.start({ durable: true });
    return new KilledFleet({ folder, postgres, temporal: await startServerIn(folder) });
  }

  /** Variables of the database, and of the key of the credentials in it. */
  get databaseEnv(): NodeJS.ProcessEnv {
    return { DATABASE_URL: this.postgres.url, TIDEMARK_SECRET_KEY: this.#key };
  }

  get temporalAddress(): string {
    return this.#temporal.address;
  }

  startWorkers(entry: string, options: { readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv }): void {
    const start = (): Worker => startProgram(entry, { ...options, log: this.#log });
    this.#startWorker = start;
    this.#workers = Array.from({ length: WORKERS }, start);
  }

  /**
   * Kills one process after another until the signal aborts. All of them run when it returns.
   *
   * @param others - what else takes its turn
   */
  async killInTurn(signal: AbortSignal, others: readonly (() => Promise<void>)[] = []): Promise<Kills> {
    const kills = { workers: 0, postgres: 0, temporal: 0 };
    const turns = [
      async () => {
        await this.#killWorker();
        kills.workers += 1;
      },
      async () => {
        await this.postgres.halt('SIGQUIT');
        await this.postgres.resume();
        kills.postgres += 1;
      },
      async () => {
        await this.#killTemporal();
        kills.temporal += 1;
      },
      ...others,
    ];
    for (let turn = 0; ; turn++) {
      await clock.sleep(2 * Math.random() * KILL_EVERY, signal).catch(() => undefined);
      if (signal.aborted) return kills;
      await turns[turn % turns.length]?.();
    }
  }

  async stop(): Promise<void> {
    for (const worker of this.#workers) worker.kill('SIGKILL');
    await this.#temporal.stop();
    await this.postgres.stop();
  }

  async #killWorker(): Promise<void> {
    const [oldest, ...others] = this.#workers;
    oldest?.kill('SIGKILL');
    if (this.#startWorker !== null) this.#workers = [...others, this.#startWorker()];
  }

  async #killTemporal(): Promise<void> {
    process.kill(this.#temporal.pid, 'SIGKILL');
    await this.#temporal.exited;
    this.#temporal = await startServerIn(this.#folder, { port: portOf(this.#temporal) });
  }
}
