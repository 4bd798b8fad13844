import type { PartialSyncResult, WatchResult } from '../activities/requests.ts';
import type { HistoryId } from '../model/ids.ts';

/**
 * What a mailbox knows about Gmail's push notifications. Plain JSON, part of the workflow's state; all times are epoch ms.
 *
 * Push is trusted while Gmail's watch was renewed recently and no change arrived without a notification. Polls are then rare: the delay to the next one
 * equals the time for which the mailbox has been quiet, up to a day, when the watch is renewed. So an active mailbox is still read now and then (Gmail
 * drops notifications beyond one a second and may deliver late), and a quiet one is read once a day, by the sync that renews its watch.
 */
export interface PushState {
  /** null while there is no watch. */
  readonly watch: WatchResult | null;
  /** When the last notification came. */
  readonly notifiedAt: number | null;
  /** A change arrived without a notification. The next notification resets this. */
  readonly isMissing: boolean;
  /** When a sync last found a change, or the first watch was made. The mailbox has been quiet since then. */
  readonly quietSince: number;
  /** The last notification, the number of the sync that it asked for, and the time of the settled read that was awaited before it. */
  readonly told: { readonly sync: number; readonly historyId: HistoryId; readonly rereadAt?: number | null } | null;
  /** The mailbox's head when the watch was renewed, until Gmail's notification of the renewal itself has come. */
  readonly echo: HistoryId | null;
  /** True when the previous renewal was announced, so this server announces renewals. Absent, as from earlier versions, means false. */
  readonly announces?: boolean;
}

export const NO_PUSH: PushState = { watch: null, notifiedAt: null, isMissing: false, quietSince: 0, told: null, echo: null, announces: false };

/** A change that a sync finds within this time (ms) after a notification counts as announced by it. */
const TOLD_LATELY = 2 * 60_000;
/** The notification of a renewal comes within this time (ms). */
const ECHO_TIME = 60_000;

export const isPushTrusted = ({ watch, isMissing }: PushState, now: number): boolean => watch !== null && !isMissing && now < Math.min(watch.renewAt, watch.expiration);

/** Milliseconds until the next sync without a poke. */
export function pollDelay(push: PushState, pollInterval: number, now: number): number {
  const { watch } = push;
  // A renewal that is overdue is retried by the following syncs, which come as often as without push until it succeeds.
  if (watch === null || !isPushTrusted(push, now)) return pollInterval;
  return Math.min(Math.max(pollInterval, now - push.quietSince), watch.renewAt - now);
}

/**
 * The state after a notification.
 *
 * @param sync - the number of the sync that the notification asks for; null when it asks for none
 * @param rereadAt - epoch ms of the settled read that was awaited before it
 */
export function withNotification(push: PushState, { historyId, sync, rereadAt = null }: { historyId: HistoryId | null; sync: number | null; rereadAt?: number | null }, now: number): PushState {
  const told = historyId === null || sync === null ? null : { sync, historyId, rereadAt };
  return { ...push, notifiedAt: now, isMissing: false, told };
}

/**
 * Whether a notification is the renewal's own: Gmail publishes one for each renewal of a watch although nothing has changed. It names the head that the
 * renewal's sync has just read, and once needs no sync of its own. If it was about a real change after all, the renewal's own notification follows.
 * Only a server that has announced the previous renewal is trusted to do so; with any other, the settled read follows.
 */
export function isEcho({ watch, echo }: PushState, historyId: HistoryId | null, now: number): boolean {
  return watch !== null && echo !== null && historyId === echo && now - watch.renewedAt < ECHO_TIME;
}

/** @param mark - the mailbox's mark before the sync */
export function withSyncedPush(push: PushState, { watch = null, changed, historyId }: Pick<PartialSyncResult, 'watch' | 'changed' | 'historyId'>, mark: HistoryId | null, now: number): PushState {
  const wasTold = push.notifiedAt !== null && now - push.notifiedAt < TOLD_LATELY;
  const isStill = !changed && historyId === mark;
  const isUnannounced = push.echo !== null && (watch?.isRenewed === true || !isStill);
  return {
    ...push,
    watch,
    isMissing: watch !== null && (push.isMissing || (push.watch !== null && changed && !wasTold)),
    quietSince: changed || push.watch === null ? now : push.quietSince,
    echo: watch?.isRenewed === true ? (isStill ? historyId : null) : isStill ? push.echo : null,
    announces: push.announces === true && !isUnannounced,
  };
}

/** The state after the renewal's own notification has come. */
export const withEcho = (push: PushState): PushState => ({ ...push, echo: null, announces: true });

/** True when the one notification that came during a renewal's sync was the renewal's own, and nothing had changed. */
export function wasEcho(push: PushState, synced: PushState, syncs: { readonly requested: number; readonly started: number }): boolean {
  const { told } = push;
  return synced.echo !== null && synced.watch?.isRenewed === true && told !== null && told.historyId === synced.echo && told.sync === syncs.requested && syncs.requested === syncs.started + 1;
}
