import { afterEach, beforeEach } from 'vitest';
import type { HistoryRecord, FetchedMessage } from '../../../src/model/change.ts';
import { mailboxId, threadId, type MailboxId } from '../../../src/model/ids.ts';
import { DEFAULT_SETTINGS, type MailboxSettings, type MessageFormat } from '../../../src/model/settings.ts';
import type { BuriedBodies } from '../../../src/store/removal/buried-bodies.ts';
import type { Lane } from '../../../src/model/lane.ts';
import type { QuotaLedger } from '../../../src/model/quota-ledger.ts';
import type { MailboxAccounts } from '../../../src/store/mailboxes/mailbox-accounts.ts';
import type { MailboxRenaming } from '../../../src/store/mailboxes/mailbox-renaming.ts';
import type { MailboxRemoval } from '../../../src/store/removal/mailbox-removal.ts';
import type { AppliedHistory } from '../../../src/store/history/history-store.ts';
import type { Change } from '../../../src/model/change.ts';
import type { FinishListingRequest } from '../../../src/store/listing/listing-store.ts';
import type { FullSyncProgress, SettleMark } from '../../../src/store/rows/mailbox-row.ts';
import type { MailboxStore } from '../../../src/store/mailbox-store.ts';
import type { PendingMessage } from '../../../src/store/fetching/fetching-store.ts';
import type { StoredMessage } from '../../../src/store/reads/mail-store.ts';
import { h, l, m } from './contract-messages.ts';

export { added, deleted, h, l, labelled, m, reading, record, scope, unlabelled } from './contract-messages.ts';

export type TestedStore = MailboxStore &
  QuotaLedger &
  MailboxRemoval &
  MailboxRenaming &
  MailboxAccounts &
  BuriedBodies;

/** A database that the contract is tested on. */
export interface StoreFixture {
  readonly name: string;
  /** An empty store of its own, closed and removed when the test ends. */
  open(): Promise<TestedStore>;
}

/** One mailbox of a store, with what the tests leave unsaid filled in. */
export class TestMailbox {
  readonly store: TestedStore;
  readonly id: MailboxId;
  now = 100_000;
  generation = 0;

  constructor(store: TestedStore, id: MailboxId) {
    this.store = store;
    this.id = id;
  }

  async put(settings: MailboxSettings = DEFAULT_SETTINGS) {
    return this.store.putMailbox({ mailbox: this.id, settings, now: this.now });
  }

  async begin(startHistoryId: number | string): Promise<FullSyncProgress> {
    this.generation += 1;
    const progress = await this.store.beginFullSync({
      mailbox: this.id,
      generation: this.generation,
      startHistoryId: h(startHistoryId),
      now: this.now,
    });
    if (progress === null) throw new Error(`generation ${this.generation} was refused`);
    return progress;
  }

  async progress(): Promise<FullSyncProgress> {
    const progress = (await this.row()).fullSync;
    if (progress === null) throw new Error('no full sync has begun');
    return progress;
  }

  async row() {
    const row = await this.store.getMailbox(this.id);
    if (row === null) throw new Error('the store does not know the mailbox');
    return row;
  }

  async list(ids: readonly string[], position = 0, generation = this.generation) {
    const messages = ids.map((id) => ({ id: m(id), threadId: threadId(`t-${id}`) }));
    return this.store.saveListingPage({
      mailbox: this.id,
      generation,
      messages,
      position,
      progress: await this.progress(),
      now: this.now,
    });
  }

  async listLabels(listings: Readonly<Record<string, readonly string[]>>) {
    for (const [label, ids] of Object.entries(listings)) {
      await this.store.saveLabelListingPage({
        mailbox: this.id,
        generation: this.generation,
        labelId: l(label),
        messages: ids.map((id) => ({ id: m(id), threadId: threadId(`t-${id}`) })),
        isInScope: false,
        progress: await this.progress(),
        now: this.now,
      });
    }
  }

  suspects(labels: 'compared' | 'unread' = 'compared', listedBefore: number | null = null) {
    return this.store.findSuspects({ mailbox: this.id, generation: this.generation, labels, listedBefore });
  }

  finish(options: Partial<FinishListingRequest> = {}) {
    return this.store.finishListing({
      mailbox: this.id,
      generation: this.generation,
      labels: 'unread',
      keepNewest: null,
      now: this.now,
      ...options,
    });
  }

  /** A first full sync that listed everything, and read it once no replica could be behind its mark. */
  async sync(readings: readonly FetchedMessage[], startHistoryId: number | string = 100) {
    await this.begin(startHistoryId);
    await this.list(readings.map((reading) => reading.id));
    await this.finish();
    this.now += 10_000;
    await this.save(...readings);
  }

  save(...readings: readonly FetchedMessage[]) {
    return this.saveAs('full', ...readings);
  }

  async saveAs(format: MessageFormat, ...readings: readonly FetchedMessage[]) {
    const { stored, stale } = await this.store.saveFetched({
      mailbox: this.id,
      messages: readings,
      format,
      now: this.now,
    });
    return { stored, stale };
  }

  async apply(
    records: readonly HistoryRecord[],
    options: {
      mark?: number | string | null;
      settle?: readonly SettleMark[] | null;
      settledBefore?: number | string;
      generation?: number;
    } = {},
  ): Promise<AppliedHistory | null> {
    const {
      mark = records.at(-1)?.id ?? null,
      settle = null,
      settledBefore = 0,
      generation = this.generation,
    } = options;
    return this.store.applyHistory({
      mailbox: this.id,
      generation,
      records,
      mark: mark === null ? null : h(mark),
      settle,
      settledBefore: h(settledBefore),
      now: this.now,
    });
  }

  pending(lane: Lane, limit = 100): Promise<readonly PendingMessage[]> {
    return this.store.nextPending({ mailbox: this.id, lane, limit, now: this.now });
  }

  async pendingIds(lane: Lane, limit = 100): Promise<readonly string[]> {
    return (await this.pending(lane, limit)).map((message) => message.id);
  }

  attempt(
    id: string,
    attempt: {
      asOf?: number | null;
      state?: 'pending' | 'failed' | 'gone';
      attempts?: number;
      nextAttemptAt?: number;
      error?: string;
    } = {},
  ) {
    const {
      asOf = null,
      state = 'failed',
      attempts = 1,
      nextAttemptAt = this.now + 1_000,
      error = 'no answer',
    } = attempt;
    return this.store.saveAttempts({
      mailbox: this.id,
      attempts: [{ id: m(id), asOf: asOf === null ? null : h(asOf), state, attempts, error, nextAttemptAt }],
      now: this.now,
    });
  }

  async counts() {
    return this.store.countMessages(this.id, this.now);
  }

  refreshes() {
    return this.store.nextRefresh({ mailbox: this.id, limit: 100, now: Number.MAX_SAFE_INTEGER });
  }

  async messages(): Promise<readonly StoredMessage[]> {
    const messages: StoredMessage[] = [];
    for await (const message of this.store.streamMessages(this.id)) messages.push(message);
    return messages;
  }

  async message(id: string): Promise<StoredMessage | null> {
    return (await this.messages()).find((message) => message.id === id) ?? null;
  }

  /** Labels by stored message. */
  async labels(): Promise<Readonly<Record<string, readonly string[]>>> {
    return Object.fromEntries((await this.messages()).map((message) => [message.id, message.labelIds]));
  }

  changes(after = 0): Promise<readonly Change[]> {
    return this.store.readChanges({ mailbox: this.id, after, limit: 1_000 });
  }

  /** The change feed as `kind id`. */
  async feed(after = 0): Promise<readonly string[]> {
    return (await this.changes(after)).map((change) => `${change.kind} ${change.messageId}`);
  }
}

/** Opens a store before each test, with one mailbox in it, and closes it afterwards. */
export function useMailbox(fixture: StoreFixture): () => TestMailbox {
  let mailbox: TestMailbox | null = null;
  beforeEach(async () => {
    mailbox = await openMailbox(fixture);
  });
  afterEach(async () => {
    await mailbox?.store.close();
    mailbox = null;
  });
  return () => {
    if (mailbox === null) throw new Error('a mailbox is open during a test only');
    return mailbox;
  };
}

export async function openMailbox(fixture: StoreFixture, settings?: MailboxSettings): Promise<TestMailbox> {
  const mailbox = new TestMailbox(await fixture.open(), mailboxId('alice@example.com'));
  await mailbox.put(settings);
  return mailbox;
}
