import { isInSync } from '../../src/workflows/mailbox-state.ts';
import { loseBody } from './bodies-outside.ts';
import { differences } from './compare.ts';
import type { Lanes } from './lanes.ts';
import type { Oddities } from './oddities.ts';
import type { Verdicts } from './verdicts.ts';
import type { World } from './world.ts';

/** A schedule whose turbulence is over. */
export interface Quiet {
  readonly world: World;
  readonly lanes: Lanes;
  readonly oddities: Oddities | null;
  readonly verdicts: Verdicts;
  /** Sweeps of bodies that are still under way. */
  readonly sweeps: readonly Promise<unknown>[];
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Polls of ten seconds for longer than this show nothing new, and take most of a schedule's time. */
const A_WHILE = 15 * MINUTE;

/**
 * Everything that was late shows, everything that failed is tried again, what Gmail answered oddly ends bit by bit.
 * Nobody helps: a pause ends, as a person made it; a mailbox that was refused must come back by itself.
 *
 * @returns what still differs in the end
 */
export async function becomeExact(quiet: Quiet): Promise<string[]> {
  const { world, lanes, oddities, verdicts, sweeps } = quiet;
  const { clock } = world;
  await clock.runUntil(() => false, 2 * MINUTE);
  await clock.during(Promise.all(sweeps));
  if (lanes.state.paused) lanes.dispatch({ kind: 'resumed' });
  if (oddities !== null) {
    if (oddities.until > clock.now() + A_WHILE) pollRarely(lanes);
    await clock.runUntil(() => lanes.defect !== null, Math.max(0, oddities.until - clock.now()));
    oddities.end();
  }
  // While push is trusted, a notification that was lost is made good by the next read that comes by itself: within a
  // day.
  const quietAt = clock.now();
  const wasRead = (): boolean => lanes.defect !== null || (lanes.idle && (lanes.state.syncedAt ?? 0) > quietAt + 2_000);
  if (lanes.state.push.watch !== null) await clock.runUntil(wasRead, DAY + 10 * MINUTE);
  const found = oddities === null ? await settle(quiet) : await settleInDoubt(quiet);
  await verdicts.look();
  if (world.bodies === null || found.length > 0) return found;
  // Now every message is in the state in which a reader meets it, and finds out.
  await clock.during(loseBody(world, world.bodies));
  return settle(quiet);
}

/** What differs once nothing is left to be done. */
async function settle(quiet: Quiet): Promise<string[]> {
  const { world, lanes, oddities } = quiet;
  let settled = await world.clock.runUntil(() => isSettled(quiet), A_WHILE);
  if (!settled) {
    pollRarely(lanes);
    settled = await world.clock.runUntil(() => isSettled(quiet), 2 * DAY);
  }
  await world.clock.runUntil(() => false, 2 * MINUTE);
  if (!settled) return [await unsettled(quiet)];
  const found = await differences(world, lanes.state.settings);
  if (oddities === null && lanes.drifts > 0) found.push(`${lanes.drifts} audits called drift what was under way`);
  return found;
}

/** The same after Gmail has answered oddly: what was doubted is asked again ever more rarely, a day apart at most. */
async function settleInDoubt(quiet: Quiet): Promise<string[]> {
  const { world, lanes } = quiet;
  const { clock } = world;
  const end = clock.now() + 2 * DAY + HOUR;
  for (let isFirst = true; ; isFirst = false) {
    await clock.runUntil(isFirst ? () => isSettled(quiet) : () => false, isFirst ? A_WHILE : HOUR);
    await clock.runUntil(() => false, 2 * MINUTE);
    const settled = await isSettled(quiet);
    const found = settled ? await differences(world, lanes.state.settings) : [await unsettled(quiet)];
    if (found.length === 0 || lanes.defect !== null || clock.now() >= end) return found;
    if (isFirst) pollRarely(lanes);
  }
}

/**
 * A person named a label that was deleted before anything heard of it: nobody else can tell that from a misspelt one.
 */
function mendLabels(lanes: Lanes): void {
  const { blocked, settings } = lanes.state;
  if (blocked?.message.includes('which Gmail does not know') !== true) return;
  lanes.configure({ ...settings, scope: { ...settings.scope, labelIds: [] } });
  lanes.dispatch({ kind: 'resumed' });
}

/** So that days cost little. */
function pollRarely(lanes: Lanes): void {
  lanes.configure({ ...lanes.state.settings, pollInterval: HOUR, auditInterval: null });
}

async function isSettled({ world, lanes }: Quiet): Promise<boolean> {
  if (lanes.defect !== null) return true;
  mendLabels(lanes);
  if (!isInSync(lanes.state) || !lanes.idle) return false;
  const { store } = world.stores;
  // A doubted listing is made again by itself: until then the mailbox says that it may lack something.
  if ((await store.getMailbox(world.mailbox))?.doubt !== null) return false;
  const counts = await store.countMessages(world.mailbox, world.clock.now());
  return counts.pending === 0 && counts.failed === 0;
}

async function unsettled({ world, lanes }: Quiet): Promise<string> {
  return `not in sync after days: ${JSON.stringify(await world.stores.store.countMessages(world.mailbox, world.clock.now()))} ${JSON.stringify(lanes.state)}`;
}
