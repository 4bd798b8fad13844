import { historyId } from '../../src/model/ids.ts';
import { initialState, isInSync } from '../../src/workflows/mailbox-state.ts';
import { Attempts } from './attempts.ts';
import { bodyDifferences, loseBody } from './bodies-outside.ts';
import { differences } from './compare.ts';
import { Lanes } from './lanes.ts';
import { Person } from './mutations.ts';
import { createWorld, drawSettings, type OpenWorld, type World } from './world.ts';

export interface ScheduleResult {
  readonly seed: number;
  /** Empty when the store equals Gmail. */
  readonly differences: readonly string[];
  readonly virtualMs: number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/**
 * One run of a mailbox under a seed: a person changes it while it is synchronised, calls fail, history expires, attempts die at any call or go on as
 * zombies beside their successors, indexes lag. Then the mailbox goes quiet, and the store must equal it.
 */
export async function runSchedule(seed: number, trace: ((at: number, line: string) => void) | null = null, openWorld?: OpenWorld): Promise<ScheduleResult> {
  const world = await createWorld(seed, openWorld);
  const { random, clock, gmail, simulator } = world;
  const start = clock.now();
  const perils = random.chance(0.3)
    ? { death: 0, blindness: 0, delayMs: random.below(2) * 300 }
    : { death: random.next() * 0.02, blindness: random.next() * 0.02, delayMs: random.below(4) * 300 };
  const attempts = new Attempts({ perils, clock, random, newWorker: () => world.newWorker(), trace: trace === null ? null : (line) => trace(clock.now() - start, line) });
  const lanes = new Lanes(initialState({ mailbox: world.mailbox, settings: world.settings, now: clock.now() }), clock, attempts);
  simulator.onNotification(({ historyId: head }) => lanes.dispatch({ kind: 'notified', historyId: historyId(head) }));
  const person = new Person(gmail, random);
  const messages = random.below(40);
  for (let i = 0; i < messages; i++) person.receive(clock.now());
  if (random.chance(0.5)) await clock.runUntil(() => false, 20_000);

  drawFaults(world);
  const running = lanes.run();
  const turbulence = 10_000 + random.below(4 * MINUTE);
  const end = clock.now() + turbulence;
  const busy = random.next();
  const sweeps: Promise<unknown>[] = [];
  while (clock.now() < end) {
    await clock.runUntil(() => false, random.below(Math.ceil(20_000 * (1 - busy) + 500)));
    disturb();
    // Without any grace: the most that a sweep may ever do.
    if (world.bodies !== null) sweeps.push(world.stores.store.sweepBodies({ now: clock.now(), grace: 0 }));
  }

  // Quiet: everything that was late shows, everything that failed is tried again.
  perils.death = 0;
  perils.blindness = 0;
  simulator.faults.clear();
  await clock.runUntil(() => false, 2 * MINUTE);
  await clock.during(Promise.all(sweeps));
  // While push is trusted, a notification that was lost is made good by the next read that comes by itself: within a day.
  const quietAt = clock.now();
  const wasRead = (): boolean => lanes.idle && (lanes.state.syncedAt ?? 0) > quietAt + 2_000;
  if (lanes.state.push.watch !== null) await clock.runUntil(wasRead, DAY + 10 * MINUTE);
  let settled = await clock.runUntil(isSettled, 2 * DAY);
  if (world.bodies !== null && settled) {
    // Now every message is in the state in which a reader meets it, and finds out.
    await clock.during(loseBody(world, world.bodies));
    settled = await clock.runUntil(isSettled, 2 * DAY);
  }
  await clock.runUntil(() => false, 2 * MINUTE);
  const found = settled ? await differences(world, lanes.state.settings) : [`not in sync after ${2 * DAY} ms: ${JSON.stringify(await world.stores.store.countMessages(world.mailbox, clock.now()))} ${JSON.stringify(lanes.state)}`];
  if (lanes.drifts > 0) found.push(`${lanes.drifts} audits called drift what was under way`);
  lanes.end();
  await running;
  if (world.bodies !== null && settled) found.push(...(await bodyDifferences(world, world.bodies)));
  await world.stores.store.close();
  await world.stores.credentials.close();
  return { seed, differences: found, virtualMs: clock.now() - start };

  function disturb(): void {
    const dice = random.next();
    trace?.(clock.now() - start, `disturb ${dice.toFixed(3)} head ${gmail.historyId}`);
    if (dice < 0.7) person.change(clock.now());
    else if (dice < 0.85) lanes.dispatch({ kind: 'poked' });
    else if (dice < 0.88) gmail.expireHistory();
    else if (dice < 0.9) lanes.dispatch({ kind: 'resync-requested' });
    else if (dice < 0.93) attempts.killWorker();
    else if (dice < 0.95) lanes.dispatch({ kind: 'paused' });
    else if (dice < 0.98) lanes.configure(drawSettings(random, clock.now(), gmail));
    else lanes.dispatch({ kind: 'resumed' });
  }

  async function isSettled(): Promise<boolean> {
    if (lanes.state.paused || lanes.state.blocked !== null) lanes.dispatch({ kind: 'resumed' });
    if (!isInSync(lanes.state) || !lanes.idle) return false;
    const counts = await world.stores.store.countMessages(world.mailbox, clock.now());
    return counts.pending === 0 && counts.failed === 0;
  }
}

function drawFaults({ random, simulator, clock, gmail }: World): void {
  const until = clock.now() + 3 * MINUTE;
  if (random.chance(0.5)) simulator.faults.add({ effect: { kind: 'status', status: 503 }, probability: random.next() * 0.3, until });
  if (random.chance(0.3)) simulator.faults.add({ effect: { kind: 'reset' }, probability: random.next() * 0.2, until });
  if (random.chance(0.3)) simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'truncate' }, probability: random.next() * 0.3, until });
  if (random.chance(0.2)) simulator.faults.add({ effect: { kind: 'status', status: 429 }, probability: random.next() * 0.2, until });
  const [first] = gmail.truth({ includeSpamTrash: true });
  if (first !== undefined && random.chance(0.2)) {
    simulator.faults.add({ match: { messageId: first.id }, effect: { kind: 'status', status: random.pick([400, 500]) }, until });
  }
}
