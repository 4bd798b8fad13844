import type { BlockedStatus, MailboxStatus, PushStatus } from './definitions.ts';
import { backfillHeldUntil, isInSync, phaseOf, type MailboxState } from './mailbox-state.ts';
import { isPushTrusted, type PushState } from './push-state.ts';

export function statusOf(state: MailboxState): MailboxStatus {
  return {
    mailbox: state.mailbox,
    store: state.store,
    phase: phaseOf(state),
    phaseSince: state.phaseSince,
    historyId: state.historyId,
    generation: state.generation,
    inSync: isInSync(state),
    settings: state.settings,
    partialSyncs: state.counters.partialSyncs,
    fullSyncs: state.counters.fullSyncs,
    recoveries: state.counters.recoveries,
    pokes: state.counters.pokes,
    syncedAt: state.syncedAt,
    nextSyncAt: state.fullSync.kind === 'unknown' ? null : state.nextPartialSyncAt,
    rateLimitedUntil: state.rateLimited?.until ?? null,
    heldUntil: backfillHeldUntil(state),
    push: pushStatus(state.push, Date.now()),
    lastError: lastErrorStatus(state),
    clockSkew: state.clockSkew,
    gmailClockSkew: state.gmailClockSkew,
    blocked: blockedStatus(state),
    waitingDeliveries: [...state.deliveries.waiting, ...state.webhooks.waiting],
  };
}

function lastErrorStatus({ lastError }: MailboxState): MailboxStatus['lastError'] {
  if (lastError === null) return null;
  const { message, at, mendedAt = null, remedy } = lastError;
  return { message, at, mendedAt, ...(remedy === undefined ? {} : { remedy }) };
}

function blockedStatus({ blocked, paused }: MailboxState): BlockedStatus | null {
  if (blocked === null) return null;
  const { message, remedy, since, asks, retryAt } = blocked;
  return { message, ...(remedy === undefined ? {} : { remedy }), since, asks, retryAt: paused ? null : retryAt };
}

function pushStatus(push: PushState, now: number): PushStatus | null {
  const { watch, notifiedAt } = push;
  return watch === null
    ? null
    : { renewedAt: watch.renewedAt, expiration: watch.expiration, notifiedAt, trusted: isPushTrusted(push, now) };
}
