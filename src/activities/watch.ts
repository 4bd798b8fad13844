import { isDeepStrictEqual } from 'node:util';

import type { GmailSession, WatchRequest } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import type { MailboxId } from '../model/ids.ts';
import type { HeldWatch, MailboxRow } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { StopWatchRequest, WatchResult } from './requests.ts';

const MINUTE = 60_000;
/**
 * Google asks for a call at least every seven days and recommends one a day:
 * https://developers.google.com/workspace/gmail/api/guides/push#renewing_mailbox_watch
 */
const RENEWAL = 24 * 60 * MINUTE;
/**
 * The clocks of Temporal and this worker may differ by this much (ms), so a renewal that is due within this time is
 * made now.
 */
const EARLY = 5 * MINUTE;
/** Ms until the next attempt after an outage, and after a refusal. A watch costs 100 units. */
const AFTER_FAILURE = 10 * MINUTE;
const AFTER_REFUSAL = 60 * MINUTE;

export interface KeptWatch {
  /** null while there is no watch as the settings want it. */
  readonly watch: WatchResult | null;
  /** For a person: what Gmail has just refused; null when nothing was refused now. */
  readonly refusal: string | null;
  /** Whether Gmail has what the settings want, or nothing is wanted: an earlier refusal is over. */
  readonly isSettled: boolean;
}

/**
 * Brings the mailbox's watch in line with the settings: makes it, renews it once a day, or stops it. This comes before
 * the read of history, so no change is lost between the two: changes before the watch are in that read, and later ones
 * are announced. Asking twice does no harm, so an attempt that dies before it saves asks again. A mailbox stays in sync
 * without a watch, so failures are returned, not thrown.
 *
 * @throws {GmailError} when the owner has withdrawn consent
 */
export async function keepWatch(
  deps: ActivityDependencies<MailboxRegistry>,
  session: GmailSession,
  row: MailboxRow,
  run: ActivityRun,
): Promise<KeptWatch> {
  const { store, clock } = deps;
  const now = clock.now();
  const wanted = wantedWatch(deps, row);
  const held = heldWatch(row, now);
  const fits = wanted !== null && held !== null && isSame(held, wanted);
  const present = fits ? resultOf(held, false) : null;

  const asked = wanted ?? held;
  const isDue = needsChange({ wanted, held }, now);
  const retry = row.watch?.retry ?? null;
  const isPutOff =
    retry !== null && asked !== null && now < retry.at && retry.at <= now + AFTER_REFUSAL && isSame(retry, asked);
  if (asked === null || !isDue || isPutOff) return { watch: present, refusal: null, isSettled: !isPutOff };

  run.progress({ step: 'watch' });
  let left: HeldWatch | null = held;
  try {
    // Gmail allows one topic per mailbox and project. Our former topic is stopped first; another client's makes Gmail
    // refuse.
    if (held !== null && held.topicName !== wanted?.topicName) {
      await stop(deps, session, row.id, run);
      left = null;
    }
    if (wanted === null) return { watch: null, refusal: null, isSettled: true };
    const { expiration } = await session.watch(wanted, run.signal);
    const renewed = { ...wanted, renewedAt: now, expiration };
    await store.saveWatch({ mailbox: row.id, watch: { held: renewed, retry: null } });
    return { watch: resultOf(renewed, true), refusal: null, isSettled: true };
  } catch (error) {
    if (!(error instanceof GmailError) || error.failure.kind === 'consent-revoked') throw error;
    const reason = refusedFor(error);
    const at = now + (reason === null ? AFTER_FAILURE : AFTER_REFUSAL);
    await store.saveWatch({
      mailbox: row.id,
      watch: { held: left, retry: { topicName: asked.topicName, labelIds: asked.labelIds, at } },
    });
    const isStop = held !== null && left !== null && held.topicName !== wanted?.topicName;
    const refusal =
      reason === null ? null : isStop ? stopRefusedText(row.id, reason) : refusalText(row.id, asked, reason);
    return { watch: present, refusal, isSettled: false };
  }
}

/** Ends the mailbox's watch, where there is one. */
export async function stopWatch(
  deps: ActivityDependencies<MailboxRegistry>,
  { mailbox }: StopWatchRequest,
  run: ActivityRun,
): Promise<void> {
  const row = await deps.store.getMailbox(mailbox);
  if (row?.watch?.held == null) return;
  const session = await deps.openSession({ mailbox, lane: 'live', signal: run.signal });
  try {
    await stop(deps, session, mailbox, run);
  } finally {
    await session.flush();
  }
}

/** Stops the watch before it is forgotten, so that an attempt that dies in between stops it again. */
async function stop(
  { store }: ActivityDependencies<MailboxRegistry>,
  session: GmailSession,
  mailbox: MailboxId,
  run: ActivityRun,
): Promise<void> {
  await session.stopWatch(run.signal);
  await store.saveWatch({ mailbox, watch: null });
}

/** Whether {@link keepWatch} would ask Gmail for something, or waits to ask again. */
export function isWatchDue(deps: Pick<ActivityDependencies<unknown>, 'pushTopic' | 'clock'>, row: MailboxRow): boolean {
  const now = deps.clock.now();
  return row.watch?.retry != null || needsChange({ wanted: wantedWatch(deps, row), held: heldWatch(row, now) }, now);
}

function needsChange(
  { wanted, held }: { readonly wanted: WatchRequest | null; readonly held: HeldWatch | null },
  now: number,
): boolean {
  if (wanted === null || held === null) return wanted !== held;
  // A renewal in the future was recorded by a wrong clock and is not believed.
  return !isSame(held, wanted) || now >= held.renewedAt + RENEWAL - EARLY || held.renewedAt > now + EARLY;
}

function wantedWatch(
  { pushTopic }: Pick<ActivityDependencies<unknown>, 'pushTopic'>,
  { settings }: MailboxRow,
): WatchRequest | null {
  return pushTopic == null || settings.push === null
    ? null
    : { topicName: pushTopic, labelIds: settings.push.labelIds };
}

/**
 * The watch that is held; an expired watch counts as none. A watch that was renewed within a day has not expired, even
 * if this clock is far ahead of Gmail's.
 */
function heldWatch({ watch }: MailboxRow, now: number): HeldWatch | null {
  const held = watch?.held ?? null;
  if (held === null) return null;
  const isFresh = held.renewedAt <= now && now < held.renewedAt + RENEWAL;
  return isFresh || now < held.expiration ? held : null;
}

const isSame = (a: WatchRequest, b: WatchRequest): boolean =>
  a.topicName === b.topicName && isDeepStrictEqual(a.labelIds, b.labelIds);

const resultOf = ({ renewedAt, expiration }: HeldWatch, isRenewed: boolean): WatchResult => ({
  renewedAt,
  renewAt: renewedAt + RENEWAL,
  expiration,
  isRenewed,
});

/** Why Gmail refused; null when the same call may succeed soon. */
function refusedFor({ failure }: GmailError): string | null {
  switch (failure.kind) {
    case 'unavailable':
    case 'rate-limited':
      return null;
    case 'refused':
      return failure.status === 401 ? null : failure.reason;
    case 'mailbox-unavailable':
    case 'invalid-request':
      return failure.reason;
    case 'not-found':
    case 'history-expired':
    case 'consent-revoked':
    case 'scope-missing':
    case 'scope-barred':
      return failure.kind;
  }
}

/** Gmail refused to end the former watch, which ends by itself a week after its last renewal. */
function stopRefusedText(mailbox: MailboxId, reason: string): string {
  return (
    `Gmail refuses to end its watch of ${mailbox} (${reason}): that is asked for again within the hour, ` +
    'and the watch ends by itself within a week'
  );
}

function refusalText(mailbox: MailboxId, { topicName }: WatchRequest, reason: string): string {
  return (
    `Gmail refuses to watch ${mailbox} for ${topicName} (${reason}): it is polled, ` +
    'and the watch is asked for again within the hour. The topic must be in the project of the ' +
    'OAuth client, let gmail-api-push@system.gserviceaccount.com publish, ' +
    'and be the only one that is watched: docs/push.md'
  );
}
