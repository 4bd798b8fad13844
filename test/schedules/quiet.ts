import { isInSync } from '../../src/workflows/mailbox-state.ts';
import { loseBody } from './bodies-outside.ts';
import { differences } from '../fixtures/schedules/compare.ts';
import type { DroppedBodies } from './dropped-bodies.ts';
import type { Drifts } from './drifts.ts';
import type { Lanes } from '../fixtures/schedules/lanes.ts';
import { mendLabels } from './mend-labels.ts';
import type { Newest } from './newest.ts';
import type { Oddities } from './oddities.ts';
import type { Verdicts } from './verdicts.ts';
import type { World } from './world.ts';

/** A schedule whose turbulence is over. */
export interface Quiet {
  readonly world: World;
  readonly lanes: Lanes;
  readonly drifts: Drifts;
  readonly oddities: Oddities | null;
  readonly newest: Newest;
  readonly verdicts: Verdicts;
  readonly dropped: DroppedBodies;
  /** Sweeps of bodies that are still under way. */
  readonly sweeps: readonly Promise<unknown>[];
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Milliseconds for which the bodies of what looks deleted stay: far fewer than the default of a day. */
const GRACE = MINUTE;
/** Polling every ten seconds for longer than this shows nothing new, and takes most of a schedule's time. */
const A_WHILE = 15 * MINUTE;

/**
 * Lets the mailbox become exact: late changes show, failed work is tried again, and Gmail's odd answers end one by one.
 * Nobody helps, except that a pause ends, because a person made it. A mailbox that was refused must recover by itself.
 *
 * @returns what still differs in the end
 */
export async function becomeExact(quiet: Quiet): Promise<string[]> {
  const { world, lanes, oddities, verdicts, dropped, sweeps } = quiet;
  const { clock } = world;
  await clock.runUntil(() => false, 2 * MINUTE);
  await clock.during(Promise.all(sweeps));
  await dropped.sweep(GRACE);
  if (lanes.state.paused) lanes.dispatch({ kind: 'resumed' });
  if (oddities !== null) {
    if (oddities.own.method === 'stop') await endWatch(quiet);
    if (oddities.until > clock.now() + A_WHILE) pollRarely(lanes);
    await clock.runUntil(() => lanes.defect !== null, Math.max(0, oddities.until - clock.now()));
    oddities.end();
  }
  // While push is trusted, the next read without a notification makes up for a lost one. It comes within a day.
  const quietAt = clock.now();
  const wasRead = (): boolean => lanes.defect !== null || (lanes.idle && (lanes.state.syncedAt ?? 0) > quietAt + 2_000);
  if (lanes.state.push.watch !== null) await clock.runUntil(wasRead, DAY + 10 * MINUTE);
  const found = oddities === null ? await settle(quiet) : await settleInDoubt(quiet);
  await verdicts.look();
  await dropped.sweep(GRACE);
  if (world.bodies === null || found.length > 0) return found;
  // Every message is now settled, so a reader who streams them all meets the lost body.
  await clock.during(loseBody(world, world.bodies));
  return settle(quiet);
}

/** Waits until no work is left, and returns what differs then. */
async function settle(quiet: Quiet): Promise<string[]> {
  const { world, lanes, drifts, oddities, newest } = quiet;
  let settled = await world.clock.runUntil(() => isSettled(quiet), A_WHILE);
  if (!settled) {
    pollRarely(lanes);
    settled = await world.clock.runUntil(() => isSettled(quiet), 2 * DAY);
  }
  await world.clock.runUntil(() => false, 2 * MINUTE);
  if (!settled) return [await unsettled(quiet)];
  const found = await differences(world, lanes.state.settings, newest);
  const count = await drifts.count();
  if (oddities === null && count > 0) found.push(`${count} audits called drift what was under way`);
  return found;
}

/**
 * What Gmail left out of its answers is asked for again after ten minutes, six hours and three days
 * (docs/operations.md), and each of the first two attempts may meet another odd answer.
 */
const ASKED_AGAIN_WITHIN = 3 * DAY + 8 * HOUR;

/** Does the same after odd answers of Gmail, when doubted facts are checked again ever more rarely. */
async function settleInDoubt(quiet: Quiet): Promise<string[]> {
  const { world, lanes, newest, dropped } = quiet;
  const { clock } = world;
  const end = clock.now() + ASKED_AGAIN_WITHIN;
  for (let isFirst = true; ; isFirst = false) {
    await clock.runUntil(isFirst ? () => isSettled(quiet) : () => false, isFirst ? A_WHILE : HOUR);
    await clock.runUntil(() => false, 2 * MINUTE);
    await dropped.sweep(GRACE);
    const settled = await isSettled(quiet);
    const found = settled ? await differences(world, lanes.state.settings, newest) : [await unsettled(quiet)];
    if (found.length === 0 || lanes.defect !== null || clock.now() >= end) return found;
    if (isFirst) pollRarely(lanes);
  }
}

/** Switches push on and off: a watch hardly ever ends by chance while the seed's own answer to that is in force. */
async function endWatch({ world: { clock }, lanes }: Quiet): Promise<void> {
  lanes.configure({ ...lanes.state.settings, push: { labelIds: [] } });
  await clock.runUntil(() => lanes.state.push.watch !== null, MINUTE);
  lanes.configure({ ...lanes.state.settings, push: null });
  await clock.runUntil(() => false, MINUTE);
}

/** Makes polls rare, so that simulating days is cheap. */
function pollRarely(lanes: Lanes): void {
  lanes.configure({ ...lanes.state.settings, pollInterval: HOUR, auditInterval: null });
}

async function isSettled({ world, lanes, newest, oddities }: Quiet): Promise<boolean> {
  if (lanes.defect !== null) return true;
  mendLabels(world, lanes, newest);
  if (!isInSync(lanes.state) || !lanes.idle) return false;
  const { store } = world.stores;
  // A doubted listing is repeated by itself. Until then, the mailbox says that it may lack something.
  if ((await store.getMailbox(world.mailbox))?.doubt !== null) return false;
  const counts = await store.countMessages(world.mailbox, world.clock.now());
  // Only odd answers leave a message without its attachments for good.
  return counts.pending === 0 && counts.failed === 0 && (counts.lacking === 0 || oddities !== null);
}

async function unsettled({ world, lanes }: Quiet): Promise<string> {
  return (
    'not in sync after days: ' +
    `${JSON.stringify(await world.stores.store.countMessages(world.mailbox, world.clock.now()))} ` +
    JSON.stringify(lanes.state)
  );
}
