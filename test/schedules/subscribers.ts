import { matchesChange, EVERY_CHANGE, type Beginning, type Subscription } from '../../src/model/subscription.ts';
import type { ChangeFilter, DeliveryOrder, SubscriptionDefinition } from '../../src/model/subscription.ts';
import type { Change } from '../../src/model/change.ts';
import { EVENT_KINDS, type EventKind, type SubscribedEvent } from '../../src/model/subscribed-event.ts';
import { labelId } from '../../src/model/ids.ts';
import { eventsAfter } from '../../src/store/rows/event-rows.ts';
import type { DeliveryPosition } from '../../src/store/subscriptions/subscription-store.ts';
import type { DeliveryLane } from '../../src/workflows/delivery-lane.ts';
import { nameAt, placeOf } from '../fixtures/schedules/delivered-place.ts';
import type { DeliveryLedger } from '../fixtures/schedules/delivery-ledger.ts';
import { urlOf } from '../fixtures/schedules/delivery-targets.ts';
import { Recipient, type Mood } from '../fixtures/schedules/recipient.ts';
import type { Random } from '../fixtures/schedules/seeded-random.ts';
import type { World } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** How long a mood lasts (ms). The longest is three days, for which deliveries are tried. */
const DURATIONS = [10 * SECOND, 5 * MINUTE, 3 * HOUR, 72 * HOUR];
const MOST = 4;
const EVERY_ROW = 1_000_000;
const ASKED_EVENTS: readonly (readonly EventKind[])[] = [[], EVENT_KINDS, ['recovered', 'in-sync'], ['needs-consent']];

/** How some changes end the worker that handles them. */
export interface Deadly {
  readonly random: Random;
  readonly endWorker: () => void;
  /** Whether nothing else ends workers, so that only those changes may be parked for that. */
  readonly isAlone: boolean;
}

interface Subscriber {
  readonly definition: SubscriptionDefinition;
  readonly recipient: Recipient;
  /** It gets the changes and the events after these. */
  begins: { readonly sequence: number; readonly event: number };
}

const laneOf = ({ target }: SubscriptionDefinition): DeliveryLane =>
  target.kind === 'webhook' ? 'webhook' : 'delivery';

/** The subscriptions of a schedule, and the people and programs behind them. */
export class Subscribers {
  /** Called when a client asks the mailbox to deliver. */
  onWake: (lane: DeliveryLane) => void = () => undefined;
  readonly recipients = new Map<string, Recipient>();
  readonly #all: Subscriber[] = [];
  readonly #world: World;
  readonly #ledger: DeliveryLedger;
  readonly #random: Random;
  /** Whether no recipient processes what it does not acknowledge. */
  readonly #isGentle: boolean;
  readonly #moods = new Map<string, number>();
  readonly #deadly: Deadly | null;
  #workersEnded = 0;
  #parkedReplays = 0;
  #parkedAsDeadly = 0;
  readonly #asksFor: Random;
  #eventsAsked = 0;

  /**
   * @param options.asksFor - draws which events are asked for
   * @param options.deadly - null where no recipient ends its worker
   */
  constructor(options: {
    world: World;
    ledger: DeliveryLedger;
    random: Random;
    asksFor: Random;
    isGentle: boolean;
    deadly: Deadly | null;
  }) {
    this.#world = options.world;
    this.#ledger = options.ledger;
    this.#random = options.random;
    this.#asksFor = options.asksFor;
    this.#isGentle = options.isGentle;
    this.#deadly = options.deadly;
  }

  async subscribe(): Promise<void> {
    if (this.#all.length === MOST) return;
    const { clock, stores } = this.#world;
    const random = this.#random;
    const drawn = drawDefinition(random, `subscription-${this.#all.length}`);
    const events = this.#asksFor.pick(ASKED_EVENTS);
    const definition = { ...drawn, filter: { ...drawn.filter, events } };
    const deadly = this.#deadly;
    const endWorker = (): void => {
      this.#workersEnded += 1;
      deadly?.endWorker();
    };
    const recipient = new Recipient({ clock, random, ledger: this.#ledger, endWorker });
    if (deadly !== null) recipient.endsWorker = drawDeadly(deadly.random);
    if (random.chance(0.3)) {
      const [every, which] = [3 + random.below(20), random.below(3)];
      recipient.refuses = (one) => one % every === which;
    }
    this.recipients.set(definition.name, recipient);
    const beginning = random.pick<Beginning>([
      { kind: 'first' },
      { kind: 'now' },
      { kind: 'since', at: clock.now() - random.below(HOUR) },
    ]);
    await stores.store.putSubscription({ definition, beginning, now: clock.now() });
    const { sequence = 0, event = 0 } = (await this.#positionOf(definition)) ?? {};
    this.#all.push({ definition, recipient, begins: { sequence, event } });
    this.#wake(definition);
  }

  /** One of the recipients answers differently for a while. */
  changeMood(): void {
    if (this.#all.length === 0) return;
    const { recipient, definition } = this.#random.pick(this.#all);
    const mood = this.#drawMood(definition);
    this.#moods.set(mood.kind, (this.#moods.get(mood.kind) ?? 0) + 1);
    recipient.mood = mood;
    if (mood.kind === 'done') return;
    void this.#world.clock.sleep(this.#random.pick(DURATIONS)).then(() => {
      if (recipient.mood === mood) recipient.mood = { kind: 'well' };
    });
  }

  /** A person has changes delivered again, from some change on. */
  async replay(): Promise<void> {
    if (this.#all.length === 0) return;
    const { stores, mailbox } = this.#world;
    const subscriber = this.#random.pick(this.#all);
    const { definition } = subscriber;
    const head = (await stores.store.getMailbox(mailbox))?.changeSequence ?? 0;
    const after = this.#random.below(head + 1);
    const moved = await stores.store.replay({ name: definition.name, mailbox, from: { after } });
    if (moved.length > 0) {
      const { sequence, event } = subscriber.begins;
      const before = (await this.events()).filter((one) => one.after < after).length;
      subscriber.begins = { sequence: Math.min(sequence, after), event: Math.min(event, before) };
    }
    this.#wake(definition);
  }

  /** A person has what was parked delivered once more: all of a subscription, or one delivery. */
  async replayParked(random: Random): Promise<void> {
    if (this.#all.length === 0) return;
    const { clock, stores } = this.#world;
    const { definition } = random.pick(this.#all);
    const { name } = definition;
    const parked = await stores.store.listParked({ name, limit: EVERY_ROW });
    const id = parked.length > 0 && random.chance(0.7) ? random.pick(parked).deliveryId : null;
    const replayed = await stores.store.replayParked({ name, mailbox: null, id, now: clock.now() });
    this.#parkedReplays += replayed.reduce((sum, { again }) => sum + again, 0);
    if (replayed.length > 0) this.#wake(definition);
  }

  /** Mends the program of a recipient, which then refuses nothing. */
  takeEverything(random: Random): void {
    if (this.#all.length > 0) random.pick(this.#all).recipient.refuses = () => false;
  }

  /** A person subscribes again where a recipient ended its subscription. */
  async subscribeAgain(): Promise<void> {
    const { clock, stores } = this.#world;
    for (const { name, ended } of await stores.store.listSubscriptions()) {
      const subscriber = this.#all.find(({ definition }) => definition.name === name);
      if (ended === null || subscriber === undefined) continue;
      subscriber.recipient.mood = { kind: 'well' };
      const { definition } = subscriber;
      await stores.store.putSubscription({ definition, beginning: { kind: 'now' }, now: clock.now() });
      this.#wake(definition);
    }
  }

  /** Mends what only a person can mend. Outages end by themselves. */
  async mend(): Promise<void> {
    for (const { definition, recipient } of this.#all) {
      if (recipient.mood.kind === 'done') recipient.mood = { kind: 'well' };
      if (definition.order.kind !== 'above-all') continue;
      recipient.refuses = () => false;
      recipient.endsWorker = null;
    }
    await this.subscribeAgain();
  }

  /** Whether everything was accepted or parked. */
  async areServed(): Promise<boolean> {
    for (const { definition } of this.#all) {
      const position = await this.#positionOf(definition);
      if (position === undefined || position.sequence !== position.head || position.delivery !== null) return false;
      if (position.event !== position.eventHead) return false;
      const parked = await this.#world.stores.store.listParked({ name: definition.name, limit: EVERY_ROW });
      if (parked.some(({ awaitsReplay }) => awaitsReplay)) return false;
    }
    return true;
  }

  /** How far each subscription is. */
  async shown(): Promise<string> {
    return JSON.stringify(await Promise.all(this.#all.map(({ definition }) => this.#positionOf(definition))));
  }

  async differences(): Promise<string[]> {
    const { mailbox, stores } = this.#world;
    const changes = await this.#feed();
    const events = await this.events();
    const counts = await stores.store.countDeliveries();
    const found = [...this.#ledger.faults];
    for (const { definition, recipient, begins } of this.#all) {
      const { name: subscription, filter, order } = definition;
      const rows = await stores.store.listParked({ name: subscription, limit: EVERY_ROW });
      const parked = rows.map(({ sequence, event }) =>
        event === null ? sequence : placeOf({ after: sequence, number: event.number }),
      );
      const isDeadly = (one: number): boolean => (recipient.endsWorker?.(one) ?? null) !== null;
      // A replay has one attempt, whatever else ended its worker.
      const ended = rows.filter(({ error }) => error.startsWith('The worker ended') && !error.includes('once more'));
      this.#parkedAsDeadly += ended.length;
      if (this.#deadly?.isAlone === true)
        for (const { sequence, event } of ended)
          if (!isDeadly(event?.number ?? sequence))
            found.push(`${subscription} parked ${event?.number ?? sequence}, which ends no worker`);
      // These filters name labels by their ids.
      const labels = filter.labels === null ? null : new Set(filter.labels);
      const askedChanges = changes.filter(
        (change) => change.sequence > begins.sequence && matchesChange(filter, change, { texts: null, labels }),
      );
      const askedEvents = events.filter(({ number, kind }) => number > begins.event && filter.events.includes(kind));
      this.#eventsAsked += askedEvents.length;
      const places = [...askedChanges.map(({ sequence }) => sequence), ...askedEvents.map(placeOf)];
      found.push(
        ...this.#ledger.differences({ subscription, mailbox, asked: places, parked: new Set(parked) }),
        ...parked
          .filter((each) => !places.includes(each))
          .map((each) => `${subscription} parked ${nameAt(each)} unasked`),
      );
      if (order.kind === 'above-all' && parked.length > 0) found.push(`${subscription} parked changes above all`);
      const count = counts.find(({ name }) => name === subscription);
      if (count?.parked !== parked.length || count.failing !== 0)
        found.push(`${subscription} shows ${JSON.stringify(count)} for ${parked.length} parked changes`);
    }
    const { repeated, split } = this.#ledger.counts;
    if (this.#isGentle && repeated + split > 0) found.push(`${repeated + split} repeated though nothing failed`);
    return found;
  }

  /** The events of the mailbox. */
  async events(): Promise<readonly SubscribedEvent[]> {
    const { stores, mailbox } = this.#world;
    return stores.database.read(async (db) => {
      const row = await db.selectFrom('mailboxes').select('key').where('id', '=', mailbox).executeTakeFirst();
      return row === undefined ? [] : eventsAfter(db, { mailbox, key: row.key }, 0, EVERY_ROW);
    });
  }

  /** How often each mood was drawn, and what came of it. */
  met(): ReadonlyMap<string, number> {
    const { deliveries, repeated, split } = this.#ledger.counts;
    return new Map([
      ...this.#moods,
      ['delivered', deliveries],
      ['delivered again', repeated],
      ['split again', split],
      ['workers ended by a change', this.#workersEnded],
      ['changes parked for that', this.#parkedAsDeadly],
      ['parked changes delivered once more', this.#parkedReplays],
      ['events asked for', this.#eventsAsked],
    ]);
  }

  #drawMood({ target }: SubscriptionDefinition): Mood {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.3) return { kind: 'down' };
    if (dice < 0.5) return { kind: 'well' };
    if (dice < 0.6) return { kind: 'slow', takes: random.below(random.pick([SECOND, 3 * MINUTE])) };
    if (dice < 0.7 && target.kind === 'webhook')
      return { kind: 'busy', asks: random.below(random.pick([MINUTE, HOUR])) };
    if (dice < 0.8 && target.kind === 'webhook') return { kind: 'done' };
    return this.#isGentle ? { kind: 'down' } : { kind: 'failing', probability: 0.2 + 0.8 * random.next() };
  }

  /** A client may die before it wakes the mailbox: then the next sync finds what is to be delivered. */
  #wake(definition: SubscriptionDefinition): void {
    if (this.#random.chance(0.8)) this.onWake(laneOf(definition));
  }

  async #positionOf({ name }: Pick<Subscription, 'name'>): Promise<DeliveryPosition | undefined> {
    const { stores, mailbox } = this.#world;
    return (await stores.store.readPositions(name)).find((position) => position.mailbox === mailbox);
  }

  async #feed(): Promise<readonly Change[]> {
    const { stores, mailbox } = this.#world;
    const feed: Change[] = [];
    for (;;) {
      const after = feed.at(-1)?.sequence ?? 0;
      const { changes } = await stores.store.readChangePage({ mailbox, after, limit: 1_000 });
      if (changes.length === 0) return feed;
      feed.push(...changes);
    }
  }
}

/** Draws the changes that end the worker; most recipients have some. */
function drawDeadly(random: Random): Recipient['endsWorker'] {
  if (random.chance(0.3)) return null;
  const [every, which, when] = [3 + random.below(15), random.below(3), random.pick(['before', 'after'] as const)];
  return (sequence) => (sequence % every === which ? when : null);
}

function drawDefinition(random: Random, name: string): SubscriptionDefinition {
  const filter = random.pick<Partial<ChangeFilter>>([
    {},
    {},
    { kinds: ['stored'] },
    { kinds: ['labels', 'gone'] },
    { labels: [labelId('INBOX')] },
  ]);
  return {
    name,
    target: random.chance(0.5)
      ? { kind: 'handler' }
      : { kind: 'webhook', url: urlOf(name), allowPrivate: false, fields: [], link: null },
    filter: { ...EVERY_CHANGE, ...filter },
    batch: random.pick([1, 3, 100]),
    order: random.pick<DeliveryOrder>([
      { kind: 'above-all' },
      { kind: 'park', attempts: null },
      { kind: 'park', attempts: null },
      { kind: 'park', attempts: 1 },
      { kind: 'park', attempts: 3 },
    ]),
  };
}
