import { historyId } from '../../src/model/ids.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';
import { Attempts, type Perils } from '../fixtures/schedules/attempted-calls.ts';
import { bodyDifferences } from './bodies-outside.ts';
import { DroppedBodies, type DroppedCounts } from './dropped-bodies.ts';
import { Drifts } from './drifts.ts';
import { Lanes } from '../fixtures/schedules/lanes.ts';
import { Person } from './mutations.ts';
import { Newest } from './newest.ts';
import { cellOf, needsTopic } from './odd-answers.ts';
import { Oddities } from './oddities.ts';
import { becomeExact } from './quiet.ts';
import type { Random } from '../fixtures/schedules/seeded-random.ts';
import { Verdicts } from './verdicts.ts';
import { createWorld, drawSettings, type OpenWorld, type World } from './world.ts';

export interface ScheduleOptions {
  /** Called for every call of every attempt, with the virtual time in ms. */
  readonly trace?: ((at: number, line: string) => void) | null;
  readonly openWorld?: OpenWorld;
  /** Whether Gmail answers oddly, too: see {@link Oddities}. */
  readonly odd?: boolean;
}

export interface ScheduleResult {
  readonly seed: number;
  /** Empty when the store equals Gmail. */
  readonly differences: readonly string[];
  /** How often each oddity changed an answer. */
  readonly met: ReadonlyMap<string, number>;
  /** How many audits found a difference. */
  readonly drifts: number;
  readonly dropped: DroppedCounts;
  readonly virtualMs: number;
}

const MINUTE = 60_000;

/**
 * Runs a mailbox under a seed. A person changes the mailbox while it is synchronised, calls fail, history expires,
 * indexes lag, and attempts die at any call or continue as zombies beside their successors. With `odd`, Gmail also
 * gives wrong answers. Then the mailbox goes quiet, and the store must become equal to it by itself.
 */
export async function runSchedule(
  seed: number,
  { trace = null, openWorld, odd = false }: ScheduleOptions = {},
): Promise<ScheduleResult> {
  const world = await createWorld(seed, openWorld, { hasTopic: odd && needsTopic(cellOf(seed)) });
  const { random, clock, gmail, simulator } = world;
  const start = clock.now();
  const perils = drawPerils(random);
  const attempts = new Attempts({
    perils,
    clock,
    random,
    newWorker: () => world.newWorker(),
    trace: trace === null ? null : (line) => trace(clock.now() - start, line),
  });
  const drifts = new Drifts(world);
  const lanes = new Lanes(
    initialState({ mailbox: world.mailbox, settings: world.settings, now: clock.now() }),
    clock,
    attempts,
    () => drifts.note(),
  );
  simulator.onNotification(({ historyId: head }) => lanes.dispatch({ kind: 'notified', historyId: historyId(head) }));
  const person = new Person(gmail, random);
  const oddities = odd ? new Oddities(world, seed) : null;
  const newest = new Newest(world, {
    generation: () => lanes.state.generation,
    listingsLacked: () => oddities?.listingsLacked === true,
  });
  const verdicts = new Verdicts(world, newest);
  const dropped = new DroppedBodies(world, newest);
  const messages = random.below(random.chance(0.1) ? 160 : 40);
  for (let i = 0; i < messages; i++) person.receive(clock.now());
  if (random.chance(0.5)) await clock.runUntil(() => false, 20_000);

  const endFaults = drawFaults(world);
  if (oddities?.chance(0.3) === true) await oddities.draw(lanes.state.settings);
  await look();
  const running = lanes.run();
  const turbulence = 10_000 + random.below(4 * MINUTE);
  const end = clock.now() + turbulence;
  const busy = random.next();
  const sweeps: Promise<unknown>[] = [];
  while (clock.now() < end) {
    await clock.runUntil(() => false, random.below(Math.ceil(20_000 * (1 - busy) + 500)));
    // What was called gone is judged by the settings of that time.
    await verdicts.look();
    disturb();
    if (oddities?.isDue(0.15) === true) await oddities.draw(lanes.state.settings);
    await look();
    // Without any grace, a sweep removes as much as it ever may.
    if (world.bodies !== null) sweeps.push(world.stores.store.sweepBodies({ now: clock.now(), grace: 0 }));
    if (random.chance(0.1)) sweeps.push(dropped.sweep(MINUTE));
  }

  perils.death = 0;
  perils.blindness = 0;
  endFaults();
  const found = [
    ...(await becomeExact({ world, lanes, drifts, oddities, newest, verdicts, dropped, sweeps })),
    ...verdicts.differences(),
    ...dropped.differences(),
  ];
  lanes.end();
  await running;
  if (lanes.defect !== null) found.push(`a defect: ${lanes.defect.stack ?? lanes.defect.message}`);
  if (world.bodies !== null && found.length === 0) found.push(...(await bodyDifferences(world, world.bodies)));
  const driftCount = await drifts.count();
  await world.stores.store.close();
  await world.stores.credentials.close();
  return {
    seed,
    differences: found,
    met: oddities?.met() ?? new Map(),
    drifts: driftCount,
    dropped: dropped.counts,
    virtualMs: clock.now() - start,
  };

  async function look(): Promise<void> {
    await newest.look();
    await dropped.look();
    await verdicts.look();
  }

  function disturb(): void {
    const dice = random.next();
    trace?.(clock.now() - start, `disturb ${dice.toFixed(3)} head ${gmail.historyId}`);
    if (dice < 0.7) person.change(clock.now());
    else if (dice < 0.85) lanes.dispatch({ kind: 'poked' });
    else if (dice < 0.88) gmail.expireHistory();
    else if (dice < 0.9) lanes.dispatch({ kind: 'resync-requested' });
    else if (dice < 0.93) attempts.killWorker();
    else if (dice < 0.95) lanes.dispatch({ kind: 'paused' });
    else if (dice < 0.98) configure();
    // Ends only a person's pause. A blocked mailbox must recover by itself.
    else if (lanes.state.paused) lanes.dispatch({ kind: 'resumed' });
  }

  function configure(): void {
    const settings = drawSettings(world, clock.now());
    lanes.configure(settings);
    verdicts.configured(settings);
    newest.configured(settings);
    dropped.configured(settings);
    oddities?.configured(settings);
  }
}

function drawPerils(random: Random): Perils {
  if (random.chance(0.3)) return { death: 0, blindness: 0, delayMs: random.below(2) * 300 };
  return { death: random.next() * 0.02, blindness: random.next() * 0.02, delayMs: random.below(4) * 300 };
}

/**
 * Draws faults of calls.
 *
 * @returns ends the faults
 */
function drawFaults({ random, simulator, clock, gmail }: World): () => void {
  const until = clock.now() + 3 * MINUTE;
  const added: { remove(): void }[] = [];
  const add = (fault: Parameters<typeof simulator.faults.add>[0]): number =>
    added.push(simulator.faults.add({ ...fault, until }));
  if (random.chance(0.5)) add({ effect: { kind: 'status', status: 503 }, probability: random.next() * 0.3 });
  if (random.chance(0.3)) add({ effect: { kind: 'reset' }, probability: random.next() * 0.2 });
  if (random.chance(0.3))
    add({ match: { method: 'batch' }, effect: { kind: 'truncate' }, probability: random.next() * 0.3 });
  if (random.chance(0.2)) add({ effect: { kind: 'status', status: 429 }, probability: random.next() * 0.2 });
  const [first] = gmail.truth({ includeSpamTrash: true });
  if (first !== undefined && random.chance(0.2))
    add({ match: { messageId: first.id }, effect: { kind: 'status', status: random.pick([400, 500]) } });
  return () => {
    for (const fault of added) fault.remove();
  };
}
