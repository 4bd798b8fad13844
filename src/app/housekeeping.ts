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

/**
 * Keeps the store tidy beside a worker's activities, until the signal aborts: finishes interrupted removals of
 * mailboxes, drops the bodies of messages that have been gone for `goneGrace` milliseconds, prunes changes that are
 * older than `changesKept`, sweeps bodies that nothing has named for `sweepGrace` milliseconds, and describes mail
 * that an earlier version stored. A time that is null turns its step off.
 *
 * Every worker does this. Two at once do no harm and share the work. A failure is logged, and the next round tries
 * again.
 */
export async function keepHouse({
  store,
  goneGrace,
  sweepGrace,
  changesKept,
  clock,
  log,
  signal,
}: {
  store: BodySweeper &
    BuriedBodies &
    ChangePruning &
    Pick<EventStore, 'pruneEvents'> &
    StoredMailDescriber &
    Pick<MailboxRemoval, 'finishRemovals'>;
  goneGrace: number | null;
  sweepGrace: number | null;
  changesKept: number | null;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}): Promise<void> {
  // Spreads out workers that were started together.
  let pause = EVERY * clock.random();
  while (!signal.aborted) {
    await clock.sleep(pause, signal).catch(() => undefined);
    if (signal.aborted) return;
    pause = EVERY;
    try {
      const rows = await store.finishRemovals({ now: clock.now(), signal });
      if (rows > 0) log.info({ rows }, 'the removal of mailboxes was finished');
      const dropped =
        goneGrace === null ? 0 : await store.dropBuriedBodies({ now: clock.now(), grace: goneGrace, signal });
      if (dropped > 0) log.info({ dropped }, 'bodies of messages that are gone were dropped');
      const pruned = changesKept === null ? 0 : await store.pruneChanges({ before: clock.now() - changesKept, signal });
      if (pruned > 0) log.info({ pruned }, 'old changes were pruned');
      if (changesKept !== null) await store.pruneEvents({ before: clock.now() - changesKept });
      const { removed, bytes } =
        sweepGrace === null ? NOTHING : await store.sweepBodies({ now: clock.now(), grace: sweepGrace, signal });
      if (removed > 0) log.info({ removed, bytes }, 'bodies that nothing names were removed');
      const described = await store.describeStored({ signal });
      if (described > 0) log.info({ described }, 'messages of an earlier version got their headers');
    } catch (error) {
      log.warn(
        { reason: error instanceof Error ? error.message : String(error) },
        'the store could not be tidied; trying again later',
      );
    }
  }
}
