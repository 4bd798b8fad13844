import { createHash } from 'node:crypto';

import { expect } from 'vitest';

import type { WorkerDependencies } from '../../src/activities/create-activities.ts';
import type { Transport } from '../../src/gmail/api/transport.ts';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';
import type { ActivityRun } from '../../src/activities/dependencies.ts';
import { DEFAULT_SETTINGS, inScope, type MailboxSettings } from '../../src/model/settings.ts';
import { changeSettings, type SettingsChange } from '../../src/model/settings-change.ts';
import type { SimulatedMailbox } from '../../src/simulator/simulated-mailbox.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import type { Stores } from '../../src/store/open-store.ts';
import type { StoredMessage } from '../../src/store/reads/mail-store.ts';
import type { Doubt } from '../../src/store/rows/mailbox-row.ts';
import { initialState, isInSync } from '../../src/workflows/mailbox-state.ts';
import { Attempts } from '../fixtures/schedules/attempted-calls.ts';
import { holdsHeaders, holdsParts } from '../fixtures/schedules/compare-parts.ts';
import { Lanes } from '../fixtures/schedules/lanes.ts';
import { Random } from '../fixtures/schedules/seeded-random.ts';
import { VirtualClock } from '../fixtures/schedules/schedule-clock.ts';
import { connectSimulated, simulatedWorker, type SimulatedWorkerOptions } from '../fixtures/gmail/simulated-worker.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const START = Date.UTC(2026, 0, 10);
const DAY = 24 * 60 * 60_000;

export const ADA = mailboxId('ada@example.com');

/** A first attempt of an activity, which nobody cancels or watches. */
export const RUN: ActivityRun = { signal: new AbortController().signal, attempt: 1, progress: () => undefined };

/** The store holds what Gmail has within the settings' scope, and nothing else. */
export async function expectExact(mailbox: RunningMailbox): Promise<void> {
  const { held, truth } = await mailbox.comparison();
  expect(held).toEqual(truth);
}

export interface RunningOptions {
  /** The workers' topic. Notifications reach the mailbox while `hears` is true. */
  readonly pushTopic?: string | null;
  /** The user's quota; practically unlimited by default. */
  readonly unitsPerMinute?: number;
  readonly worker?: (options: SimulatedWorkerOptions) => WorkerDependencies;
}

/**
 * A mailbox kept by the real activities and the real plan, over a simulated Gmail and SQLite, under a virtual clock.
 * Every run is the same.
 */
export class RunningMailbox {
  readonly clock = new VirtualClock(START, new Random(1));
  readonly simulator = new Simulator({ clock: this.clock });
  readonly gmail: SimulatedMailbox = this.simulator.addMailbox(ADA);
  readonly stores: Stores;
  readonly lanes: Lanes;
  /** Whether what Gmail publishes reaches the workflow. */
  hears = true;
  notifications = 0;
  /** Takes requests to the simulator; a test may replace it. */
  transport: Transport = this.simulator.transport;
  /** HTTP requests that left the worker so far. */
  readonly requests = { tokens: 0, gmail: 0 };
  #runs = false;
  readonly #prices: SimulatedWorkerOptions['prices'];
  readonly #pushTopic: string | null;
  readonly #attempts: Attempts;
  #deps: WorkerDependencies;

  private constructor(
    stores: Stores,
    settings: MailboxSettings,
    { pushTopic, unitsPerMinute, worker }: Required<RunningOptions>,
  ) {
    this.stores = stores;
    const { clock } = this;
    this.#prices = { ...PRICE_TABLES['2026'], userUnitsPerMinute: unitsPerMinute };
    this.#pushTopic = pushTopic;
    this.#deps = this.#newWorker(worker);
    this.#attempts = Attempts.unharmed({
      clock,
      random: new Random(1),
      newWorker: () => this.#deps,
    });
    this.lanes = new Lanes(initialState({ mailbox: ADA, settings, now: clock.now() }), clock, this.#attempts);
  }

  static async open(
    settings: SettingsChange = {},
    { pushTopic = null, unitsPerMinute = 1_000_000_000, worker = simulatedWorker }: RunningOptions = {},
  ): Promise<RunningMailbox> {
    const stores = await openMemoryStores();
    // Polls are far apart, so that a virtual day of a quiet mailbox takes little time.
    const mailbox = new RunningMailbox(
      stores,
      changeSettings(DEFAULT_SETTINGS, { pollInterval: 10 * 60_000, auditInterval: null, ...settings }),
      { pushTopic, unitsPerMinute, worker },
    );
    mailbox.simulator.onNotification(({ historyId: head }) => {
      mailbox.notifications += 1;
      if (mailbox.hears) mailbox.lanes.dispatch({ kind: 'notified', historyId: historyId(head) });
    });
    await connectSimulated(mailbox, ADA);
    return mailbox;
  }

  /** Messages a minute apart, the first one the oldest; answers their ids. */
  receive(
    count: number,
    {
      labelIds = ['INBOX'],
      threadId,
      from = START - DAY,
    }: { labelIds?: readonly string[]; threadId?: string; from?: number } = {},
  ): string[] {
    return Array.from({ length: count }, (_, index) => {
      const raw = `From: bob@example.com\r\nSubject: note ${index}\r\n\r\nhello ${index}\r\n`;
      return this.gmail.insert({
        raw,
        labelIds: [...labelIds],
        internalDate: from + index * 60_000,
        ...(threadId === undefined ? {} : { threadId }),
      }).id;
    });
  }

  /** Runs until the mailbox is in sync, and the indexes of Gmail have been waited for. */
  async settle(limit = 2 * DAY): Promise<void> {
    await this.run(60_000);
    const settled = await this.#until(
      async () => isInSync(this.lanes.state) && this.lanes.idle && (await this.counts()).pending === 0,
      limit,
    );
    if (!settled) throw new Error(`not in sync: ${JSON.stringify(this.lanes.state)}`);
    await this.run(60_000);
  }

  async run(milliseconds: number): Promise<void> {
    this.#start();
    await this.#until(() => false, milliseconds);
  }

  /** As the clock's `runUntil`, but ends at once with a defect of the lanes: no time would mend it. */
  async #until(done: () => boolean | Promise<boolean>, limit: number): Promise<boolean> {
    const isDone = await this.clock.runUntil(async () => this.lanes.defect !== null || (await done()), limit);
    if (this.lanes.defect !== null) throw this.lanes.defect;
    return isDone;
  }

  configure(change: SettingsChange): Promise<void> {
    const { settings } = this.lanes.state;
    this.lanes.configure(changeSettings(settings, change));
    return this.settle();
  }

  /** What the activities use. */
  get deps(): WorkerDependencies {
    return this.#deps;
  }

  /** The worker ends, and another one begins. */
  replaceWorker(worker: NonNullable<RunningOptions['worker']>): void {
    this.#deps = this.#newWorker(worker);
    this.#attempts.killWorker();
  }

  #newWorker(worker: NonNullable<RunningOptions['worker']>): WorkerDependencies {
    const { simulator, stores, clock } = this;
    return worker({
      simulator,
      stores,
      prices: this.#prices,
      clock,
      pushTopic: this.#pushTopic,
      transport: (request) => this.#counted(request),
    });
  }

  async #counted(request: Parameters<Transport>[0]): ReturnType<Transport> {
    this.requests[request.url.endsWith('/token') ? 'tokens' : 'gmail'] += 1;
    return await this.transport(request);
  }

  #start(): void {
    if (this.#runs) return;
    this.#runs = true;
    void this.lanes.run();
  }

  counts() {
    return this.stores.store.countMessages(ADA, this.clock.now());
  }

  /** Calls that Gmail answered so far, by method. */
  calls(): Record<string, number> {
    const { methods } = this.simulator.usage.of(this.gmail.email);
    return Object.fromEntries(Object.entries(methods).map(([method, use]) => [method, use.calls]));
  }

  units(): number {
    return this.simulator.usage.of(this.gmail.email).units;
  }

  /** `get` calls of messages and threads since `before`. */
  gets(before: Record<string, number> = {}): number {
    const now = this.calls();
    return ['messages.get', 'threads.get'].reduce((sum, method) => sum + (now[method] ?? 0) - (before[method] ?? 0), 0);
  }

  /** Expires history beyond the mark, and pokes the mailbox, so that everything is listed. */
  expire(): void {
    this.receive(1);
    this.gmail.expireHistory();
    this.lanes.dispatch({ kind: 'poked' });
  }

  /** Expires history, and waits until the mailbox has recovered. */
  async recover(): Promise<void> {
    const { recoveries } = this.lanes.state.counters;
    this.expire();
    await this.settle();
    expect(this.lanes.state.counters.recoveries).toBe(recoveries + 1);
  }

  async doubt(): Promise<Doubt | null> {
    return (await this.stores.store.getMailbox(ADA))?.doubt ?? null;
  }

  /** Ids of messages that the change feed called gone, in its order. */
  async gone(): Promise<readonly string[]> {
    const { changes } = await this.stores.store.readChangePage({ mailbox: ADA, after: 0, limit: 10_000 });
    return changes.filter(({ kind }) => kind === 'gone').map(({ messageId }) => messageId);
  }

  /** Ids, labels and content as the store has them, and as they are at Gmail within the settings' scope. */
  async comparison(): Promise<{ held: ReadonlyMap<string, string>; truth: ReadonlyMap<string, string> }> {
    const { settings } = this.lanes.state;
    const isRaw = settings.format === 'raw';
    const atGmail = this.gmail.truth({ includeSpamTrash: true });
    const truth = atGmail
      .filter((message) => inScope(settings.scope, message))
      .map(
        (message) =>
          [message.id, `${settings.format} ${message.labelIds.join()} ${isRaw ? message.sha256 : 'exact'}`] as const,
      );
    const known = new Map(atGmail.map((message) => [message.id, message]));
    const contentOf = ({ id, format, body }: StoredMessage): string => {
      const message = known.get(id);
      if (message === undefined) return 'not at Gmail';
      if (format === 'minimal') return body === null ? 'exact' : 'a body';
      if (body === null) return 'no body';
      if (format === 'raw') return createHash('sha256').update(body).digest('hex');
      const raw = Buffer.from(message.raw, 'base64url');
      if (format === 'metadata') return holdsHeaders(body, raw) ? 'exact' : 'other headers';
      return holdsParts(body, raw, settings.attachments) ? 'exact' : 'other parts';
    };
    const held = new Map<string, string>();
    for await (const message of this.stores.store.streamMessages(ADA)) {
      held.set(message.id, `${message.format} ${message.labelIds.join()} ${contentOf(message)}`);
    }
    return { held, truth: new Map(truth) };
  }

  async close(): Promise<void> {
    this.lanes.end();
    await this.clock.runUntil(() => false, 1_000);
    await this.stores.credentials.close();
    await this.stores.store.close();
  }
}
