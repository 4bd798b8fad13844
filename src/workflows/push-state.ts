import type { PartialSyncResult, WatchResult } from '../activities/requests.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';

/**
 * What a mailbox knows of Gmail's push notifications. Plain JSON, part of the workflow's state; all times are epoch ms.
 * The names of the fields are carried from run to run, so they stay.
 *
 * ```
 *   no watch    -- watch made -->    push trusted    -- a change without a notification -->    a notification missed
 *   (polls)     <- watch ended --    (rare polls)    <------ the next notification --------    (polls)
 * ```
 *
 * While push is trusted, polls become rare: each waits as long again as the mailbox has been quiet, at most until the
 * watch is renewed, once a day. So an active mailbox is still read now and then, since Gmail drops notifications beyond
 * one a second and may deliver late. A mailbox that is quiet for days is read once a day, by the sync that renews its
 * watch.
 *
 * Gmail may also send a renewal notice: a notification that a renewal itself causes, without any change. Acting on it
 * would cost a sync for each renewal, so a mailbox recognises it ({@link isRenewalNotice}).
 */
export interface PushState {
  /** null while there is no watch. */
  readonly watch: WatchResult | null;
  /** When the last notification came. */
  readonly notifiedAt: number | null;
  /** True after a change arrived without a notification, until the next notification. */
  readonly isMissing: boolean;
  /** When a sync last found a change, or the first watch was made: the mailbox has been quiet since. */
  readonly quietSince: number;
  /**
   * The last notification that asked for a sync: the number of that sync, and the settled read that was awaited before
   * it.
   */
  readonly told: { readonly sync: number; readonly historyId: HistoryId; readonly rereadAt?: number | null } | null;
  /** The mailbox's head at the last renewal, which the renewal notice will name. Null once the notice has come. */
  readonly echo: HistoryId | null;
  /**
   * True when the last renewal was followed by a renewal notice: this server sends them. Absent in states of earlier
   * versions, which means false.
   */
  readonly announces?: boolean;
  /**
   * The address that notifications name, where it is not the mailbox's; null or absent otherwise. A renamed account's
   * mailbox is polled as without push until it is renamed, too.
   */
  readonly address?: MailboxId | null;
}

export const NO_PUSH: PushState = {
  watch: null,
  notifiedAt: null,
  isMissing: false,
  quietSince: 0,
  told: null,
  echo: null,
  announces: false,
};

/** A change that a sync finds within this time after a notification counts as notified. */
const NOTIFIED_LATELY = 2 * 60_000;
/** A renewal notice comes within this time. */
const NOTICE_TIME = 60_000;

export const isPushTrusted = ({ watch, isMissing }: PushState, now: number): boolean =>
  watch !== null && !isMissing && now < Math.min(watch.renewAt, watch.expiration);

/** Milliseconds until the next poll, when no notification comes before it. */
export function pollDelay(push: PushState, pollInterval: number, now: number): number {
  const { watch } = push;
  // When a renewal is overdue, each poll tries it again, so polls come as often as without push.
  if (watch === null || !isPushTrusted(push, now)) return pollInterval;
  return Math.min(Math.max(pollInterval, now - push.quietSince), watch.renewAt - now);
}

/**
 * The state after a notification has come.
 *
 * @param sync - the number of the sync that the notification asks for; null when it asks for no sync
 * @param rereadAt - the settled read that was awaited before the notification, epoch ms
 */
export function withNotification(
  push: PushState,
  { historyId, sync, rereadAt = null }: { historyId: HistoryId | null; sync: number | null; rereadAt?: number | null },
  now: number,
): PushState {
  const told = historyId === null || sync === null ? null : { sync, historyId, rereadAt };
  return { ...push, notifiedAt: now, isMissing: false, told };
}

/**
 * Whether a notification is a renewal notice: it comes soon after a renewal, and names the head that the renewal's own
 * sync has just read. A renewal notice needs no sync at once, and only one is recognised for each renewal. If this
 * notification was about a real change, the renewal notice still follows, and asks for a sync. If the previous renewal
 * had no notice, the server may never send one: then a settled read follows.
 */
export function isRenewalNotice({ watch, echo }: PushState, historyId: HistoryId | null, now: number): boolean {
  return watch !== null && echo !== null && historyId === echo && now - watch.renewedAt < NOTICE_TIME;
}

/**
 * The state after a sync.
 *
 * @param mark - the mailbox's mark before the sync
 */
export function withSyncedPush(
  push: PushState,
  { watch = null, changed, historyId, address }: Pick<PartialSyncResult, 'watch' | 'changed' | 'historyId' | 'address'>,
  mark: HistoryId | null,
  now: number,
): PushState {
  const wasNotified = push.notifiedAt !== null && now - push.notifiedAt < NOTIFIED_LATELY;
  const isUnchanged = !changed && historyId === mark;
  const isRenewed = watch?.isRenewed === true;
  // The last renewal's notice did not come before the head moved on, or before the next renewal.
  const lacksNotice = push.echo !== null && (isRenewed || !isUnchanged);
  const expected = isRenewed ? historyId : push.echo;
  return {
    ...push,
    watch,
    address: address ?? null,
    isMissing: watch !== null && (push.isMissing || (push.watch !== null && changed && !wasNotified)),
    quietSince: changed || push.watch === null ? now : push.quietSince,
    echo: isUnchanged ? expected : null,
    announces: push.announces === true && !lacksNotice,
  };
}

/** The state after the renewal notice has come. */
export const withRenewalNotice = (push: PushState): PushState => ({ ...push, echo: null, announces: true });

/**
 * Whether exactly one notification came during a renewal's sync, and it was the renewal notice: it names the head, and
 * nothing had changed.
 */
export function cameAsRenewalNotice(
  push: PushState,
  synced: PushState,
  syncs: { readonly requested: number; readonly started: number },
): boolean {
  const { told } = push;
  return (
    synced.echo !== null &&
    synced.watch?.isRenewed === true &&
    told !== null &&
    told.historyId === synced.echo &&
    told.sync === syncs.requested &&
    syncs.requested === syncs.started + 1
  );
}
