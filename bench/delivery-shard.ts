import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import type { WorkerDependencies } from '../src/activities/create-activities.ts';
import { databaseAt } from '../src/model/database-location.ts';
import { mailboxId } from '../src/model/ids.ts';
import { PRICE_TABLES } from '../src/model/prices.ts';
import { DEFAULT_SETTINGS } from '../src/model/settings.ts';
import { EVERY_CHANGE, USUAL_ORDER, type SubscriptionDefinition } from '../src/model/subscription.ts';
import { readerOf } from '../src/reading/open-reader.ts';
import { generateMail } from '../src/simulator/generate.ts';
import type { SimulatedMailbox } from '../src/simulator/simulated-mailbox.ts';
import { Simulator } from '../src/simulator/simulator.ts';
import { Bodies } from '../src/store/bodies/bodies.ts';
import { openStores, type Stores } from '../src/store/open-store.ts';
import { initialState } from '../src/workflows/mailbox-state.ts';
import { connectSimulated, simulatedWorker } from '../test/fixtures/gmail/simulated-worker.ts';
import { Attempts } from '../test/fixtures/schedules/attempted-calls.ts';
import { DeliveryLedger, type LedgerCounts } from '../test/fixtures/schedules/delivery-ledger.ts';
import { deliveriesTo, urlOf } from '../test/fixtures/schedules/delivery-targets.ts';
import { Lanes } from '../test/fixtures/schedules/lanes.ts';
import { Recipient } from '../test/fixtures/schedules/recipient.ts';
import { VirtualClock } from '../test/fixtures/schedules/schedule-clock.ts';
import { Random } from '../test/fixtures/schedules/seeded-random.ts';
import { timeless } from '../test/fixtures/schedules/timeless.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OUTAGE = 72 * HOUR;
const EVERY_ROW = 1_000_000;

export interface ShardOptions {
  readonly seed: number;
  /** Ms, on average. */
  readonly killedEvery: number;
  /** Changes of each mailbox. */
  readonly changes: number;
}
export const MAILBOXES = 20;
const MESSAGES = 200;
/** Ms that a recipient takes for a delivery, and ms that its answer then travels. */
const TAKES = 50;
const ANSWER = 2;

const handler = (name: string): SubscriptionDefinition => ({
  name,
  target: { kind: 'handler' },
  filter: EVERY_CHANGE,
  batch: 1,
  order: USUAL_ORDER,
});
const webhook = (name: string): SubscriptionDefinition => ({
  ...handler(name),
  target: { kind: 'webhook', url: urlOf(name), allowPrivate: false, fields: [], link: null },
});
/** One change in each delivery, so that there are as many deliveries as possible. */
export const SUBSCRIPTIONS: readonly SubscriptionDefinition[] = [
  handler('usual'),
  { ...handler('above-all'), order: { kind: 'above-all' } },
  webhook('hook'),
  webhook('down'),
];

export interface Proof extends LedgerCounts {
  readonly differences: readonly string[];
  readonly reordered: number;
  readonly lost: number;
  readonly unparked: number;
  readonly parked: number;
  readonly kills: number;
  /** Kills that met deliveries under way. */
  readonly meetings: number;
  /** Deliveries that kills met under way, in total. */
  readonly met: number;
  readonly storeFaults: number;
  readonly lostResults: number;
  readonly virtualDays: number;
}

/**
 * Delivers live changes of many mailboxes while workers die, calls of the store fail and results are lost. Each shard
 * has its own thread, database, worker and clock.
 */
class Shard {
  readonly #random: Random;
  readonly #clock: VirtualClock;
  readonly #simulator: Simulator;
  readonly #stores: Stores;
  readonly #ledger = new DeliveryLedger();
  readonly #attempts: Attempts;
  readonly #recipients: ReadonlyMap<string, Recipient>;
  readonly #mailboxes: { readonly gmail: SimulatedMailbox; readonly lanes: Lanes }[] = [];
  readonly #killedEvery: number;
  readonly #changes: number;
  #kills = 0;
  #meetings = 0;
  #met = 0;

  private constructor({ seed, killedEvery, changes }: ShardOptions, stores: Stores) {
    this.#killedEvery = killedEvery;
    this.#changes = changes;
    this.#random = new Random(seed);
    this.#clock = new VirtualClock(Date.UTC(2026, 0, 1), this.#random);
    this.#simulator = new Simulator({ clock: this.#clock, seed, latencyMs: 20 });
    this.#stores = { ...stores, store: timeless(this.#clock)(this.#ledger.observed(stores.store)) };
    const prices = { ...PRICE_TABLES['2026'], userUnitsPerMinute: 1_000_000_000 };
    const newWorker = (): WorkerDependencies =>
      simulatedWorker({ simulator: this.#simulator, stores: this.#stores, prices, clock: this.#clock });
    this.#attempts = new Attempts({
      perils: { death: 0, blindness: 1e-6, delayMs: 0, storeFault: 4e-6, lostResult: 0.02 },
      clock: this.#clock,
      random: this.#random,
      newWorker,
      trace: null,
    });
    const shared = { clock: this.#clock, random: this.#random, ledger: this.#ledger };
    this.#recipients = new Map(SUBSCRIPTIONS.map(({ name }) => [name, new Recipient(shared)]));
  }

  static async open(options: ShardOptions): Promise<Shard> {
    return new Shard(options, await openStores(databaseAt('sqlite::memory:')));
  }

  async run(): Promise<Proof> {
    for (const recipient of this.#recipients.values()) recipient.mood = { kind: 'slow', takes: TAKES, answers: ANSWER };
    await this.#subscribe();
    for (let index = 0; index < MAILBOXES; index++) await this.#addMailbox(index);
    const start = this.#clock.now();
    const down = this.#recipients.get('down');
    if (down !== undefined) {
      down.mood = { kind: 'down' };
      void this.#clock.sleep(OUTAGE).then(() => (down.mood = { kind: 'slow', takes: TAKES, answers: ANSWER }));
    }
    void this.#killWorkers(start + OUTAGE);
    const runs = this.#mailboxes.map(({ lanes }) => lanes.run());
    await this.#change();
    // When the outage ends, the next attempt may be four hours away.
    const served = await this.#within(OUTAGE + 2 * 24 * HOUR, () => this.#areServed());
    for (const { lanes } of this.#mailboxes) lanes.end();
    await Promise.all(runs);
    const defect = this.#mailboxes.find(({ lanes }) => lanes.defect !== null)?.lanes.defect;
    if (defect !== undefined && defect !== null) throw defect;
    return { ...(await this.#proof(served)), virtualDays: (this.#clock.now() - start) / (24 * HOUR) };
  }

  async #subscribe(): Promise<void> {
    for (const definition of SUBSCRIPTIONS)
      await this.#stores.store.putSubscription({ definition, beginning: { kind: 'first' }, now: this.#clock.now() });
  }

  async #addMailbox(index: number): Promise<void> {
    const mailbox = mailboxId(`mailbox-${index}@example.com`);
    const gmail = this.#simulator.addMailbox(mailbox);
    generateMail(gmail, { messages: MESSAGES, threadSize: 1, bodyBytes: 100, now: this.#clock.now() });
    await connectSimulated({ simulator: this.#simulator, stores: this.#stores }, mailbox);
    const { store, database } = this.#stores;
    const reader = readerOf(database, new Bodies(database));
    const settings = { ...DEFAULT_SETTINGS, format: 'minimal', pollInterval: HOUR, auditInterval: null } as const;
    const lanes = new Lanes(
      initialState({ mailbox, settings, now: this.#clock.now() }),
      this.#clock,
      this.#attempts,
      undefined,
      deliveriesTo({ store, changes: database.changes, reader, recipients: this.#recipients, ledger: this.#ledger }),
    );
    this.#mailboxes.push({ gmail, lanes });
  }

  /** Changes labels until every mailbox has its share of changes. */
  async #change(): Promise<void> {
    // What lies in spam and trash is not mirrored, so it makes no changes.
    const visible = Math.min(
      ...this.#mailboxes.map(({ gmail }) => [...gmail.truth({ includeSpamTrash: false })].length),
    );
    const rounds = Math.ceil(Math.max(0, this.#changes - visible) / visible);
    for (let round = 0; round < rounds; round++) {
      await this.#clock.runUntil(() => false, 2 * MINUTE);
      for (const { gmail, lanes } of this.#mailboxes) {
        const star = round % 2 === 0 ? { add: ['STARRED'] } : { remove: ['STARRED'] };
        gmail.modify(
          [...gmail.all()].map(({ id }) => id),
          star,
        );
        lanes.dispatch({ kind: 'poked' });
      }
    }
  }

  /** Kills the worker, on average once an hour, and every `killedEvery` ms while much is delivered. */
  async #killWorkers(outageEnds: number): Promise<void> {
    const busyUntil = this.#clock.now() + (2 * MINUTE * this.#changes) / MESSAGES;
    for (;;) {
      const now = this.#clock.now();
      const isBusy = now < busyUntil || now >= outageEnds;
      await this.#clock.sleep(2 * this.#random.next() * (isBusy ? this.#killedEvery : HOUR));
      const underWay = this.#ledger.interrupt();
      this.#attempts.killWorker();
      this.#kills += 1;
      this.#meetings += underWay > 0 ? 1 : 0;
      this.#met += underWay;
    }
  }

  async #within(limit: number, isDone: () => Promise<boolean>): Promise<boolean> {
    const end = this.#clock.now() + limit;
    while (this.#clock.now() < end) {
      await this.#clock.runUntil(() => false, 10 * MINUTE);
      if (await isDone()) return true;
    }
    return false;
  }

  async #areServed(): Promise<boolean> {
    return (await this.#positions()).every(({ sequence, head, delivery }) => sequence === head && delivery === null);
  }

  async #positions() {
    const found = await Promise.all(SUBSCRIPTIONS.map(({ name }) => this.#stores.store.readPositions(name)));
    return found.flat();
  }

  async #proof(served: boolean): Promise<Omit<Proof, 'virtualDays'>> {
    const { store } = this.#stores;
    const lost: string[] = [];
    let parkedInAll = 0;
    for (const { name: subscription } of SUBSCRIPTIONS) {
      const parked = await store.listParked({ name: subscription, limit: EVERY_ROW });
      parkedInAll += parked.length;
      for (const { gmail } of this.#mailboxes) {
        const mailbox = mailboxId(gmail.email);
        const head = (await store.getMailbox(mailbox))?.changeSequence ?? 0;
        const asked = Array.from({ length: head }, (_, index) => index + 1);
        const own = new Set(parked.filter((each) => each.mailbox === mailbox).map(({ sequence }) => sequence));
        lost.push(...this.#ledger.differences({ subscription, mailbox, asked, parked: own }));
      }
    }
    const unparked = served
      ? 0
      : (await this.#positions()).reduce((sum, { sequence, head }) => sum + head - sequence, 0);
    const { faults, counts } = this.#ledger;
    return {
      ...counts,
      differences: [...faults, ...lost].slice(0, 10),
      reordered: faults.length,
      lost: lost.length,
      unparked,
      parked: parkedInAll,
      kills: this.#kills,
      meetings: this.#meetings,
      met: this.#met,
      storeFaults: this.#attempts.met.storeFaults,
      lostResults: this.#attempts.met.lostResults,
    };
  }
}

export function runInThread(options: ShardOptions): Promise<Proof> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { deliveryProof: options } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

const share = workerData as { readonly deliveryProof?: ShardOptions } | null;
if (!isMainThread && share?.deliveryProof !== undefined) {
  const shard = await Shard.open(share.deliveryProof);
  parentPort?.postMessage(await shard.run(), []);
}
