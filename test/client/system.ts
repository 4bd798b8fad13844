import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { inject } from 'vitest';

import { loadConfig, type Config } from '../../src/config/config.ts';
import { connectMailbox } from '../../src/accounts/connect-mailbox.ts';
import { createLog } from '../../src/host/log.ts';
import { mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { openTidemark, type Tidemark } from '../../src/app/open-tidemark.ts';
import { openSimulator, type ServedSimulator } from '../../src/simulator/open.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { installRuntime } from '../../src/telemetry/runtime.ts';
import { runWorker, type RunningWorker } from '../../src/worker.ts';
import { workflowBundle } from '../fixtures/workflow-bundle.ts';
import { hurriedClock } from '../hurried-clock.ts';

// Once in a process, before its first worker.
installRuntime(createLog('silent'));

/**
 * A simulated Gmail over HTTP, the shared Temporal server, a database of its own, and workers as the test wants them.
 */
export class System {
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  readonly tidemark: Tidemark;
  /** Changed by {@link System.renameAtGoogle}. */
  account: MailboxId;
  readonly mailbox: MailboxId;
  readonly #simulator: ServedSimulator;
  readonly #folder: string;
  #worker: RunningWorker | null = null;

  private constructor(options: {
    env: NodeJS.ProcessEnv;
    config: Config;
    tidemark: Tidemark;
    mailbox: MailboxId;
    simulator: ServedSimulator;
    folder: string;
  }) {
    this.env = options.env;
    this.config = options.config;
    this.tidemark = options.tidemark;
    this.mailbox = options.mailbox;
    this.account = options.mailbox;
    this.#simulator = options.simulator;
    this.#folder = options.folder;
  }

  /** @param name - of the test: mailboxes are workflows on a server that all tests share */
  static async open(name: string, { messages = 60 } = {}): Promise<System> {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-system-'));
    const mailbox = mailboxId(`${name}@example.com`);
    const simulator = await openSimulator({ port: 0, emails: [mailbox], messages, mbox: null, clock: systemClock });
    const env = {
      HOME: folder,
      TIDEMARK_DATA_DIR: folder,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TIDEMARK_TASK_QUEUE: `test-${name}-${process.pid}`,
      TIDEMARK_WORKFLOW_BUNDLE: (await workflowBundle()).codePath,
      GMAIL_ROOT_URL: simulator.url,
      GOOGLE_TOKEN_URL: `${simulator.url}/token`,
      GMAIL_USER_UNITS_PER_MINUTE: '1000000',
    };
    const config = loadConfig({ env });
    const tidemark = await openTidemark({ config });
    const system = new System({ env, config, tidemark, mailbox, simulator, folder });
    await system.connect();
    return system;
  }

  async connect(): Promise<void> {
    const credentials = await this.report<object>('credentials');
    await connectMailbox({
      config: this.config,
      stores: this.tidemark,
      mailbox: this.mailbox,
      clock: systemClock,
      text: JSON.stringify(credentials),
      verify: true,
    });
  }

  async startWorker(): Promise<void> {
    this.#worker = await runWorker({ config: this.config, log: createLog('silent'), clock: hurriedClock });
  }

  async stopWorker(): Promise<void> {
    await this.#worker?.stop();
    this.#worker = null;
  }

  /** A command of the simulator's control API. */
  async control<Answer = unknown>(command: string, body: object): Promise<Answer> {
    const response = await fetch(`${this.#simulator.url}/simulator/${command}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: this.account, ...body }),
    });
    const answer = (await response.json()) as Answer;
    if (!response.ok) throw new Error(`${command}: ${JSON.stringify(answer)}`);
    return answer;
  }

  async report<Answer>(name: string): Promise<Answer> {
    const response = await fetch(`${this.#simulator.url}/simulator/${name}?email=${encodeURIComponent(this.account)}`);
    return (await response.json()) as Answer;
  }

  /** The account gets another address; the mailbox does not know yet. */
  async renameAtGoogle(to: MailboxId): Promise<void> {
    await this.control('rename', { to });
    this.account = to;
  }

  deliver(subject: string): Promise<{ id: string }> {
    return this.control('messages', { raw: `Subject: ${subject}\r\n\r\nhello\r\n`, labelIds: ['INBOX', 'UNREAD'] });
  }

  /** Ids and labels, as Gmail has them. */
  async truth(): Promise<Map<string, string>> {
    const { messages } = await this.report<{ messages: { id: string; labelIds: string[] }[] }>('truth');
    return new Map(messages.map(({ id, labelIds }) => [id, labelIds.join()]));
  }

  /** The same, as the store has them. */
  async stored(mailbox: MailboxId = this.mailbox): Promise<Map<string, string>> {
    const stored = new Map<string, string>();
    for await (const { id, labelIds } of this.tidemark.client.streamMessages(mailbox))
      stored.set(id, [...labelIds].sort().join());
    return stored;
  }

  async close(): Promise<void> {
    for (const mailbox of [this.mailbox, this.account])
      await this.tidemark.temporal.workflow
        .getHandle(`mailbox/${mailbox}`)
        .terminate()
        .catch(() => undefined);
    await this.stopWorker();
    await this.tidemark.close();
    await this.#simulator.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
