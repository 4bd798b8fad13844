import { answeredTime, answeredWatch, LONGEST } from './answered-time.ts';
import type { EventOf } from './mailbox-event.ts';
import type { MailboxState } from './mailbox-state.ts';
import { cameAsRenewalNotice, pollDelay, withRenewalNotice, withSyncedPush } from './push-state.ts';
import { countsIn } from './result-counts.ts';
import { withError } from './state-errors.ts';

/** Ms until history is read again after a poke's sync has found nothing: history may lag behind the notification. */
const RECHECK_AFTER_QUIET_POKE = 3_000;

/** Ms between two partial syncs without a poke. */
const PARTIAL_SYNC_PAUSE = 500;

export function withPartialSync(state: MailboxState, event: EventOf<'partial-synced'>, now: number): MailboxState {
  const poked = state.syncs.started > state.syncs.served;
  const quietPoke = poked && !event.changed;
  const watch = event.watch == null ? null : answeredWatch(event.watch, now);
  const push = withSyncedPush(state.push, { ...event, watch }, state.historyId, now);
  // The only waiting poke is the renewal notice, which the sync itself caused, so no further sync is needed.
  const isNotice = cameAsRenewalNotice(state.push, push, state.syncs);
  const served = isNotice ? state.syncs.requested : state.syncs.started;
  const awaited = isNotice && push.announces === true ? (state.push.told?.rereadAt ?? null) : state.rereadAt;
  const rereadAt = later(awaited, answeredTime(event.settleIn, event.settleAt, now, LONGEST.settle));
  const pokedAt = {
    waiting: isNotice ? null : state.pokedAt.waiting,
    serving: event.more || (!event.changed && rereadAt !== null) ? state.pokedAt.serving : null,
  };
  const attemptAt = answeredTime(event.nextAttemptIn, event.nextAttemptAt, now, LONGEST.failed);
  const times = [
    now + pollDelay(push, state.settings.pollInterval, now),
    attemptAt,
    rereadAt,
    quietPoke ? now + RECHECK_AFTER_QUIET_POKE : null,
  ];
  const noted =
    event.watchRefusal === undefined ? state : withError(state, { message: event.watchRefusal, of: 'push' }, now);
  return {
    ...noted,
    historyId: event.historyId,
    push: isNotice ? withRenewalNotice(push) : push,
    syncs: event.more ? state.syncs : { ...state.syncs, started: served, served },
    pokedAt,
    rereadAt,
    nextPartialSyncAt: event.more
      ? now
      : Math.max(now + PARTIAL_SYNC_PAUSE, Math.min(...times.filter((time) => time !== null))),
    rateLimited: null,
    ...countsIn(event),
    syncedAt: now,
    nextSliceAt: earlier(
      state.nextSliceAt,
      answeredTime(event.failedAttemptIn, event.failedAttemptAt, now, LONGEST.failed),
    ),
    counters: { ...state.counters, partialSyncs: state.counters.partialSyncs + 1 },
  };
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

function later(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
