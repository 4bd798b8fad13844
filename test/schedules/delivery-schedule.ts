import { initialState, isInSync } from '../../src/workflows/mailbox-state.ts';
import { readerOf } from '../../src/reading/open-reader.ts';
import { Bodies } from '../../src/store/bodies/bodies.ts';
import { Attempts, type Perils } from '../fixtures/schedules/attempted-calls.ts';
import { differences } from '../fixtures/schedules/compare.ts';
import { DeliveryLedger } from '../fixtures/schedules/delivery-ledger.ts';
import { deliveriesTo } from '../fixtures/schedules/delivery-targets.ts';
import { Lanes } from '../fixtures/schedules/lanes.ts';
import { Random } from '../fixtures/schedules/seeded-random.ts';
import { Person } from './mutations.ts';
import { Happenings } from './happenings.ts';
import { Newest } from './newest.ts';
import type { ScheduleOptions, ScheduleResult } from './schedule.ts';
import { Subscribers } from './subscribers.ts';
import { createWorld, type World } from './world.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/**
 * A batch is tried for three days, then each of its changes for a minute, and an outage lasts up to three days. Where a
 * batch holds one change, each refused change takes three days, and there may be about twenty of them.
 */
const PATIENCE = 90 * DAY;

/**
 * Runs a mailbox with subscriptions under a seed. Recipients fail, ask to wait, are down for up to three days, end
 * their subscription, and are subscribed again. Deliveries are replayed, parked ones too. The owner withdraws access
 * and gives it again, and some messages cannot be read for a while, which makes events. Workers die, and certain
 * changes and events kill their worker each time. Calls of the store fail or answer nothing, and results of activities
 * get lost.
 *
 * Then all of that ends, except the changes and events that kill. Everything must be delivered or parked without help:
 * nothing is lost, nothing comes out of order except a replayed parked delivery, and nothing comes twice except with
 * the same id.
 *
 * It has random generators of its own, so that the other kinds of schedules do not change.
 */
export async function runDeliverySchedule(
  seed: number,
  { trace = null, openWorld = (place) => openMemoryStores(place) }: ScheduleOptions = {},
): Promise<Omit<ScheduleResult, 'dropped'>> {
  const ledger = new DeliveryLedger();
  const world = await createWorld(seed, async (place) => {
    const stores = await openWorld(place);
    return { ...stores, store: ledger.observed(stores.store) };
  });
  const random = new Random(seed ^ 0xde1);
  const { clock, stores, mailbox } = world;
  const start = clock.now();
  // A gentle schedule shows that nothing comes twice unless something fails.
  const isGentle = random.chance(0.2);
  const perils = drawPerils(random, isGentle);
  const deadlyRandom = new Random(seed ^ 0xdead);
  const replayRandom = new Random(seed ^ 0x2ec);
  const isDeadly = !isGentle && deadlyRandom.chance(0.5);
  const isDeadlyAlone = isDeadly && deadlyRandom.chance(0.5);
  if (isDeadlyAlone) Object.assign(perils, SAFE);
  const attempts = new Attempts({
    perils,
    clock,
    random,
    newWorker: () => world.newWorker(),
    trace: trace === null ? null : (line) => trace(clock.now() - start, line),
  });
  const deadly = isDeadly
    ? { random: deadlyRandom, endWorker: () => attempts.killWorker(), isAlone: isDeadlyAlone }
    : null;
  const settings = { ...world.settings, pollInterval: HOUR, auditInterval: null };
  const eventRandom = new Random(seed ^ 0xe7e);
  const subscribers = new Subscribers({ world, ledger, random, asksFor: eventRandom, isGentle, deadly });
  const reader = readerOf(stores.database, new Bodies(stores.database));
  const lanes = new Lanes(
    initialState({ mailbox, settings, now: clock.now() }),
    clock,
    attempts,
    undefined,
    deliveriesTo({
      store: stores.store,
      changes: stores.database.changes,
      reader,
      recipients: subscribers.recipients,
      ledger,
    }),
  );
  subscribers.onWake = (lane) => lanes.dispatch({ kind: 'deliver-requested', lane });
  const happenings = new Happenings(world, eventRandom, lanes);
  const person = new Person(world.gmail, random);
  for (let count = random.below(30); count > 0; count--) person.receive(clock.now());
  for (let count = 1 + random.below(2); count > 0; count--) await subscribers.subscribe();
  const newest = new Newest(world, { generation: () => lanes.state.generation, listingsLacked: () => false });
  await newest.look();
  const running = lanes.run();

  for (let round = 8 + random.below(14); round > 0; round--) {
    await clock.runUntil(
      () => lanes.defect !== null,
      random.below(random.pick([SECOND, 20 * SECOND, 5 * MINUTE, HOUR])),
    );
    await disturb();
    await happenings.happen();
    await newest.look();
    if (replayRandom.chance(0.15)) await subscribers.replayParked(replayRandom);
  }
  Object.assign(perils, { ...SAFE, delayMs: 0 });
  if (lanes.state.paused) lanes.dispatch({ kind: 'resumed' });
  await subscribers.mend();
  await happenings.mend();
  // What changed last is found by a poll: after an hour, or after a day where notifications are trusted and get lost.
  await clock.runUntil(() => false, 2 * MINUTE);
  const quietAt = clock.now();
  const wasRead = (): boolean =>
    lanes.defect !== null || (lanes.idle && (lanes.state.syncedAt ?? 0) > quietAt + 2 * SECOND);
  await clock.runUntil(wasRead, DAY + HOUR);
  let settled = await settle();
  // Everything that must be parked is parked by now.
  for (let count = replayRandom.below(4); settled && count > 0; count--) {
    if (replayRandom.chance(0.5)) subscribers.takeEverything(replayRandom);
    await subscribers.replayParked(replayRandom);
    settled = await settle();
  }
  lanes.end();
  await running;
  const found = settled
    ? [
        ...(await subscribers.differences()),
        ...happenings.differences(await subscribers.events(), lanes.state.counters.recoveries),
        ...(await differences(world, settings, newest)),
      ]
    : [`not delivered after ${PATIENCE / DAY} days: ${await subscribers.shown()} ${JSON.stringify(lanes.state)}`];
  if (lanes.defect !== null) found.push(`a defect: ${lanes.defect.stack ?? lanes.defect.message}`);
  await stores.store.close();
  await stores.credentials.close();
  const met = new Map([...subscribers.met(), ...happenings.met()]);
  return { seed, differences: found, met, drifts: 0, virtualMs: clock.now() - start };

  async function disturb(): Promise<void> {
    const dice = random.next();
    trace?.(clock.now() - start, `disturb ${dice.toFixed(3)}`);
    if (dice < 0.5) {
      for (let count = 1 + random.below(4); count > 0; count--) person.change(clock.now());
      lanes.dispatch({ kind: 'poked' });
    } else if (dice < 0.75) subscribers.changeMood();
    else if (dice < 0.8) await subscribers.subscribe();
    else if (dice < 0.85) await subscribers.replay();
    else if (dice < 0.88) await subscribers.subscribeAgain();
    else if (dice < 0.92 && !isGentle && !isDeadlyAlone) attempts.killWorker();
    else if (dice < 0.94) lanes.dispatch({ kind: 'resync-requested' });
    else if (dice < 0.95) world.gmail.expireHistory();
    else if (dice < 0.97) lanes.dispatch({ kind: 'paused' });
    else lanes.dispatch({ kind: 'resumed' });
  }

  /** Looks seldom: each look reads the database several times. */
  async function settle(): Promise<boolean> {
    const end = clock.now() + PATIENCE;
    while (clock.now() < end) {
      if (await isSettled()) return true;
      await clock.runUntil(() => lanes.defect !== null, 20 * MINUTE);
    }
    return false;
  }

  async function isSettled(): Promise<boolean> {
    if (lanes.defect !== null) return true;
    if (!isInSync(lanes.state) || !lanes.idle || !(await isStored(world))) return false;
    return subscribers.areServed();
  }
}

async function isStored({ stores, mailbox, clock }: World): Promise<boolean> {
  if ((await stores.store.getMailbox(mailbox))?.doubt !== null) return false;
  const counts = await stores.store.countMessages(mailbox, clock.now());
  return counts.pending === 0 && counts.failed === 0;
}

const SAFE = { death: 0, blindness: 0, storeFault: 0, lostResult: 0 } as const satisfies Partial<Perils>;

function drawPerils(random: Random, isGentle: boolean): Perils {
  const delayMs = random.below(4) * 300;
  if (isGentle) return { death: 0, blindness: 0, delayMs };
  const upTo = (most: number): number => random.next() * most;
  return { death: upTo(0.01), blindness: upTo(0.01), storeFault: upTo(0.01), lostResult: upTo(0.05), delayMs };
}
