import { databaseAt } from '../src/model/database-location.ts';
import { mailboxId } from '../src/model/ids.ts';
import { PRICE_TABLES, type PriceTable, type PriceTableName } from '../src/model/prices.ts';
import { DEFAULT_SETTINGS, inScope, type MailboxSettings } from '../src/model/settings.ts';
import { generateMail, type GenerateOptions } from '../src/simulator/generate.ts';
import type { SimulatedMailbox } from '../src/simulator/simulated-mailbox.ts';
import type { QuotaEnforcement } from '../src/simulator/quota-enforcement.ts';
import { Simulator } from '../src/simulator/simulator.ts';
import type { UseSummary } from '../src/simulator/usage.ts';
import { openStores, type Stores } from '../src/store/open-store.ts';
import { backfillHeldUntil, initialState, isInSync } from '../src/workflows/mailbox-state.ts';
import { Attempts } from '../test/schedules/attempted-calls.ts';
import { Lanes } from '../test/schedules/lanes.ts';
import { Random } from '../test/schedules/seeded-random.ts';
import { connectSimulated, simulatedWorker } from '../test/simulated-worker.ts';
import { createVirtualClock, type VirtualClock } from '../test/virtual-clock.ts';

export interface VirtualGmailOptions {
  readonly prices?: PriceTableName;
  /** The limits that Gmail enforces. When not given, calls are only counted. */
  readonly quota?: QuotaEnforcement;
  /** The limit that Tidemark assumes; by default the enforced one, else unlimited. */
  readonly userUnitsPerMinute?: number;
  /** The limit of backfills for a Pacific day; unlimited when not given. */
  readonly projectUnitsPerDay?: number;
  /** Milliseconds that every answer takes. */
  readonly latencyMs?: number;
  readonly seed?: number;
}

/** So high that pacing never waits. */
const UNLIMITED = 1_000_000_000;
/** Milliseconds between checks of a condition that is waited for. */
const TICK = 50;

/**
 * Gmail, store and activities in this process, with a clock that advances only while all of them sleep. So an hour at
 * the quota takes seconds, and every run gives the same figures. Calls take Gmail's latency; the machine's own work
 * takes no time.
 */
export class VirtualGmail {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly prices: PriceTable;
  readonly stores: Stores;
  readonly #random: Random;
  readonly #mailboxes: VirtualMailbox[] = [];

  private constructor(
    stores: Stores,
    { prices = '2026', quota, userUnitsPerMinute, projectUnitsPerDay, latencyMs = 100, seed = 1 }: VirtualGmailOptions,
  ) {
    let storeCalls = 0;
    const counted = async <Result>(call: Promise<Result>): Promise<Result> => {
      storeCalls++;
      return await call.finally(() => storeCalls--);
    };
    this.stores = { ...stores, store: watched(stores.store, counted) };
    this.#random = new Random(seed);
    const clock = createVirtualClock({ seed, isBusy: () => storeCalls > 0 });
    // Times are whole milliseconds, as the system's are.
    this.clock = { ...clock, sleep: (milliseconds, signal) => clock.sleep(Math.ceil(milliseconds), signal) };
    this.simulator = new Simulator({ clock: this.clock, seed, prices, quota, latencyMs });
    this.prices = {
      ...PRICE_TABLES[prices],
      userUnitsPerMinute: userUnitsPerMinute ?? quota?.userUnitsPerMinute ?? UNLIMITED,
      projectUnitsPerDay: projectUnitsPerDay ?? null,
    };
  }

  static async open(options: VirtualGmailOptions = {}): Promise<VirtualGmail> {
    return new VirtualGmail(await openStores(databaseAt('sqlite::memory:')), options);
  }

  /** A mailbox with generated mail, connected and not yet synchronised. */
  async addMailbox(
    email: string,
    mail: Omit<GenerateOptions, 'now'>,
    settings: Partial<MailboxSettings> = {},
  ): Promise<VirtualMailbox> {
    const id = mailboxId(email);
    const gmail = this.simulator.addMailbox(id);
    generateMail(gmail, { ...mail, now: this.clock.now() });
    await connectSimulated(this, id);
    const mailbox = new VirtualMailbox(this, gmail, { ...DEFAULT_SETTINGS, ...settings });
    this.#mailboxes.push(mailbox);
    return mailbox;
  }

  /**
   * The activities and their retries, as a worker and Temporal would run them, without deaths until {@link
   * Attempts.killWorker}.
   */
  newAttempts(): Attempts {
    const { clock, simulator, prices, stores } = this;
    const newWorker = () => simulatedWorker({ simulator, stores, prices, clock });
    return new Attempts({
      perils: { death: 0, blindness: 0, delayMs: 0 },
      clock,
      random: this.#random,
      newWorker,
      trace: null,
    });
  }

  /** Stops the mailboxes' lanes at their next step and closes the stores. */
  async close(): Promise<void> {
    for (const mailbox of this.#mailboxes) mailbox.end();
    await this.clock.run(() => this.clock.sleep(60_000));
    await this.stores.credentials.close();
    await this.stores.store.close();
  }
}

/** The same object, with all its promises passed through `watch`. */
function watched<Target extends object>(
  target: Target,
  watch: <Result>(call: Promise<Result>) => Promise<Result>,
): Target {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, object, args);
        return result instanceof Promise ? watch(result) : result;
      };
    },
  });
}

/** One mailbox, and the work that Temporal does for it. */
export class VirtualMailbox {
  readonly gmail: SimulatedMailbox;
  readonly attempts: Attempts;
  readonly settings: MailboxSettings;
  readonly #world: VirtualGmail;
  readonly #lanes: Lanes;

  constructor(world: VirtualGmail, gmail: SimulatedMailbox, settings: MailboxSettings) {
    this.#world = world;
    this.gmail = gmail;
    this.settings = settings;
    this.attempts = world.newAttempts();
    this.#lanes = new Lanes(
      initialState({ mailbox: mailboxId(gmail.email), settings, now: world.clock.now() }),
      world.clock,
      this.attempts,
    );
  }

  get use(): UseSummary {
    return this.#world.simulator.usage.of(this.gmail.email);
  }

  start(): void {
    void this.#lanes.run();
  }

  end(): void {
    this.#lanes.end();
  }

  get heldUntil(): number | null {
    return backfillHeldUntil(this.#lanes.state);
  }

  poke(): void {
    this.#lanes.dispatch({ kind: 'poked' });
  }

  get inSync(): boolean {
    return isInSync(this.#lanes.state);
  }

  /** True when nothing is under way. */
  get idle(): boolean {
    return this.#lanes.idle;
  }

  /** Waits under the clock. @returns epoch ms when the condition became true */
  async until(condition: () => boolean | Promise<boolean>, everyMs = TICK): Promise<number> {
    const { clock } = this.#world;
    while (!(await condition())) await clock.sleep(everyMs);
    return clock.now();
  }

  /** What differs between the store and Gmail in ids, threads and labels. */
  async differences(): Promise<string[]> {
    const found: string[] = [];
    const truth = new Map(
      [...this.gmail.all()]
        .filter((message) =>
          inScope(this.settings.scope, { labelIds: message.current.labelIds, internalDate: message.internalDate }),
        )
        .map((message) => [message.id, message]),
    );
    for await (const held of this.#world.stores.store.streamMessages(mailboxId(this.gmail.email))) {
      const message = truth.get(held.id);
      if (message === undefined) found.push(`extra ${held.id}`);
      else if (message.threadId !== held.threadId) found.push(`thread of ${held.id}`);
      else if (message.current.labelIds.join() !== held.labelIds.join()) found.push(`labels of ${held.id}`);
      truth.delete(held.id);
    }
    return [...found, ...[...truth.keys()].map((id) => `missing ${id}`)];
  }
}
