import type { Log } from '../host/log.ts';
import type { Clock } from '../model/clock.ts';
import type { BodySweeper } from '../store/bodies/sweep-bodies.ts';
import type { ChangePruning } from '../store/feed/prune-changes.ts';
import type { EventStore } from '../store/subscriptions/event-store.ts';
import type { StoredMailDescriber } from '../store/headers/describe-stored.ts';
import type { BuriedBodies } from '../store/removal/buried-bodies.ts';
import type { MailboxRemoval } from '../store/removal/mailbox-removal.ts';

const EVERY = 10 * 60_000;
const NOTHING = { removed: 0, bytes: 0 };

export interface Housekeeping {
  readonly store: BodySweeper &
    BuriedBodies &
    ChangePruning &
    Pick<EventStore, 'pruneEvents'> &
    StoredMailDescriber &
    Pick<MailboxRemoval, 'finishRemovals'>;
  /** Ms for which the body of a message that is gone is kept; null: forever. */
  readonly goneGrace: number | null;
  /** Ms for which a body outside the database is kept when nothing names it; null: forever. */
  readonly sweepGrace: number | null;
  /** Ms for which changes are kept; null: forever. */
  readonly changesKept: number | null;
  /** Nothing is removed by its age before the clock is set. */
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Keeps the store tidy beside a worker's activities, until the signal aborts: finishes interrupted removals of
 * mailboxes, drops the bodies of messages that are gone, prunes old changes, sweeps bodies that nothing names, and
 * describes mail that an earlier version stored.
 *
 * Every worker does this. Two at once do no harm and share the work. A failure is logged, and the next round tries
 * again.
 */
export async function keepHouse(house: Housekeeping): Promise<void> {
  const { store, clock, log, signal } = house;
  // Spreads out workers that were started together.
  let pause = EVERY * clock.random();
  while (!signal.aborted) {
    await clock.sleep(pause, signal).catch(() => undefined);
    if (signal.aborted) return;
    pause = EVERY;
    try {
      if (clock.isSet !== false) await removeWhatIsOver(house);
      const described = await store.describeStored({ signal });
      if (described > 0) log.info({ described }, 'mail of an earlier version was read for its headers');
    } catch (error) {
      log.warn(
        { reason: error instanceof Error ? error.message : String(error) },
        'not everything in the store could be tidied; trying again later',
      );
    }
  }
}

async function removeWhatIsOver(house: Housekeeping): Promise<void> {
  const { store, goneGrace, sweepGrace, changesKept, clock, log, signal } = house;
  const rows = await store.finishRemovals({ now: clock.now(), signal });
  if (rows > 0) log.info({ rows }, 'rows of removed mailboxes were deleted');
  const dropped = goneGrace === null ? 0 : await store.dropBuriedBodies({ now: clock.now(), grace: goneGrace, signal });
  if (dropped > 0) log.info({ dropped }, 'bodies of messages that are gone were dropped');
  const pruned = changesKept === null ? 0 : await store.pruneChanges({ before: clock.now() - changesKept, signal });
  if (pruned > 0) log.info({ pruned }, 'old changes were pruned');
  if (changesKept !== null) await store.pruneEvents({ before: clock.now() - changesKept });
  const { removed, bytes } =
    sweepGrace === null ? NOTHING : await store.sweepBodies({ now: clock.now(), grace: sweepGrace, signal });
  if (removed > 0) log.info({ removed, bytes }, 'bodies that nothing names were removed');
}
