import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { inject } from 'vitest';

import { loadConfig, type Config } from '../../src/config/config.ts';
import { connectMailbox } from '../../src/accounts/connect-mailbox.ts';
import { createLog, type Log } from '../../src/host/log.ts';
import type { Clock } from '../../src/model/clock.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../../src/model/settings.ts';
import { openTidemark, type Tidemark } from '../../src/app/open-tidemark.ts';
import { generateMail } from '../../src/simulator/generate.ts';
import { startSimulatorServer, type SimulatorServer } from '../../src/simulator/server.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { installRuntime } from '../../src/telemetry/runtime.ts';
import { runWorker, type RunningWorker } from '../../src/worker.ts';
import { workflowBundle } from '../fixtures/workflow-bundle.ts';
import { Program } from './processes.ts';
import { TestMailbox } from './test-mailbox.ts';
import { WatchedSimulator } from './watched-simulator.ts';

// Once per process, before its first worker.
installRuntime(createLog('silent'));

export interface RigOptions {
  /** By default, the server that all tests share. */
  readonly temporalAddress?: string;
  readonly logLevel?: string;
  /** Further variables of the environment. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface MailboxOptions {
  readonly messages?: number;
  /** Messages in a thread on average; 1 makes every fetch a messages.get. */
  readonly threadSize?: number;
  readonly format?: MailboxSettings['format'];
  /** Milliseconds. */
  readonly pollInterval?: number;
}

/**
 * A simulated Gmail over HTTP in this process, its own database, and workers in this process or in separate ones.
 */
export class Rig {
  readonly simulator: WatchedSimulator;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  #tidemark: Tidemark;
  readonly #server: SimulatorServer;
  readonly #mailboxes: TestMailbox[] = [];
  readonly #programs: Program[] = [];
  #worker: RunningWorker | null = null;

  private constructor(parts: {
    simulator: WatchedSimulator;
    server: SimulatorServer;
    folder: string;
    env: NodeJS.ProcessEnv;
    config: Config;
    tidemark: Tidemark;
  }) {
    this.simulator = parts.simulator;
    this.folder = parts.folder;
    this.env = parts.env;
    this.config = parts.config;
    this.#server = parts.server;
    this.#tidemark = parts.tidemark;
  }

  /** The path of the embedded database. */
  get databaseFile(): string {
    const { location } = this.config.database;
    if (location.kind !== 'sqlite') throw new Error(`the rig's database is ${location.kind}`);
    return location.path;
  }

  /** @param name - the test's name. It keeps tests apart, because all share one server of task queues and mailboxes */
  static async open(
    name: string,
    { temporalAddress = inject('temporalAddress'), logLevel = 'info', env: more = {} }: RigOptions = {},
  ): Promise<Rig> {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-rig-'));
    const simulator = new WatchedSimulator({ clock: systemClock });
    const server = await startSimulatorServer({ simulator, port: 0 });
    const env = {
      HOME: folder,
      TIDEMARK_DATA_DIR: folder,
      TEMPORAL_ADDRESS: temporalAddress,
      TIDEMARK_TASK_QUEUE: `test-${name}-${process.pid}`,
      TIDEMARK_WORKFLOW_BUNDLE: (await workflowBundle()).codePath,
      GMAIL_ROOT_URL: server.url,
      GOOGLE_TOKEN_URL: `${server.url}/token`,
      // No pacing. Tests of waiting make the simulator refuse calls.
      GMAIL_USER_UNITS_PER_MINUTE: '100000000',
      LOG_LEVEL: logLevel,
      ...more,
    };
    const config = loadConfig({ env });
    return new Rig({ simulator, server, folder, env, config, tidemark: await openTidemark({ config }) });
  }

  get tidemark(): Tidemark {
    return this.#tidemark;
  }

  /** Adds a simulated mailbox and connects it. `start` of the returned mailbox starts its workflow. */
  async mailbox(name: string, options: MailboxOptions = {}): Promise<TestMailbox> {
    const id = mailboxId(`${name}-${process.pid}@example.com`);
    const gmail = this.simulator.addMailbox(id);
    generateMail(gmail, { messages: options.messages ?? 0, now: systemClock.now(), threadSize: options.threadSize });
    const settings = {
      ...DEFAULT_SETTINGS,
      format: options.format ?? 'raw',
      pollInterval: options.pollInterval ?? 2_000,
    };
    const mailbox = new TestMailbox({ rig: this, id, gmail, settings });
    this.#mailboxes.push(mailbox);
    await mailbox.connect();
    return mailbox;
  }

  /** Stores the credentials of the mailbox's last grant. */
  async connect(mailbox: TestMailbox): Promise<void> {
    const text = JSON.stringify(this.simulator.credentialsFor(mailbox.id));
    await connectMailbox({
      config: this.config,
      stores: this.#tidemark,
      mailbox: mailbox.id,
      clock: systemClock,
      text,
      verify: false,
    });
  }

  /** Starts a worker in this process. */
  async startWorker(log: Log = createLog('silent'), clock: Clock = systemClock): Promise<void> {
    this.#worker = await runWorker({ config: this.config, log, clock });
  }

  async stopWorker(): Promise<void> {
    await this.#worker?.stop();
    this.#worker = null;
  }

  /** Starts a worker in its own process, and waits until it is ready for work. */
  async spawnWorker(env: NodeJS.ProcessEnv = {}): Promise<Program> {
    const worker = new Program('cli/main.ts', ['worker'], { ...this.env, ...env });
    this.#programs.push(worker);
    await worker.says(/worker runs/);
    return worker;
  }

  /**
   * Closes this process's database and connection, runs `meanwhile`, which may change the files, and opens both again.
   */
  async reopen(meanwhile: () => void): Promise<void> {
    await this.#tidemark.close();
    meanwhile();
    this.#tidemark = await openTidemark({ config: this.config });
  }

  async close(): Promise<void> {
    await Promise.all(this.#mailboxes.map(({ handle }) => handle.terminate().catch(() => undefined)));
    await this.stopWorker();
    await Promise.all(this.#programs.map((program) => program.end('SIGKILL')));
    await this.#tidemark.close();
    await this.#server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
