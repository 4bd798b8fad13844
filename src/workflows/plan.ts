import type { Blocked } from './blocked.ts';
import type { DeliveryLane } from './delivery-lane.ts';
import { auditWanted, retryWanted } from './lane-requests.ts';
import type { FullSyncReason, MailboxState } from './mailbox-state.ts';

/** The next work of a mailbox's lanes. */
export interface Plan {
  readonly live: 'partialSync' | null;
  /** True when the partial sync begins with a look; absent otherwise. */
  readonly looks?: true;
  readonly backfill: BackfillWork | null;
  /** The lanes whose deliveries are due; absent when there are none. */
  readonly deliver?: readonly DeliveryLane[];
  /** The lanes that begin together with the live lane, and await what its sync brings; absent when there are none. */
  readonly deliverBeside?: readonly DeliveryLane[];
  /** True when events are to be kept, for subscriptions; absent when there are none. */
  readonly note?: true;
  /** Epoch ms when the plan changes by itself; null when only a signal changes it. */
  readonly wakeAt: number | null;
}

export type BackfillWork =
  | { readonly activity: 'openMailbox' }
  | { readonly activity: 'fullSync'; readonly reason: FullSyncReason }
  | { readonly activity: 'recover' }
  | { readonly activity: 'fetchSlice' }
  | { readonly activity: 'audit' };

/** Pure: the same state at the same time gives the same plan. */
export function planNext(state: MailboxState, now: number): Plan {
  if (state.stopping || state.paused) return { live: null, backfill: null, wakeAt: null };
  return state.blocked === null ? workPlan(state, now) : askPlan(state, state.blocked, now);
}

/**
 * A blocked mailbox asks by repeating the refused work when it is due. Only one lane works, since one question is
 * enough.
 */
function askPlan(state: MailboxState, { lane, retryAt }: Blocked, now: number): Plan {
  if (now < retryAt) return { live: null, backfill: null, wakeAt: retryAt };
  const { backfill } = workPlan(state, now);
  if (backfill !== null && (lane === 'backfill' || !hasHistory(state))) return { live: null, backfill, wakeAt: null };
  return { live: 'partialSync', backfill: null, wakeAt: null };
}

/** Without a usable mark there is no history to read. */
function hasHistory({ fullSync, historyId }: MailboxState): boolean {
  return (
    fullSync.kind !== 'unknown' && historyId !== null && !(fullSync.kind === 'listing' && fullSync.reason === 'expired')
  );
}

function workPlan(state: MailboxState, now: number): Plan {
  const { fullSync } = state;
  if (fullSync.kind === 'unknown') return { live: null, backfill: { activity: 'openMailbox' }, wakeAt: null };
  if (fullSync.kind === 'listing') {
    const backfill =
      fullSync.reason === 'expired'
        ? ({ activity: 'recover' } as const)
        : ({ activity: 'fullSync', reason: fullSync.reason } as const);
    // With a usable mark, new mail does not wait for the listing.
    if (!hasHistory(state)) return { live: null, backfill, wakeAt: null };
    return { ...livePlan(state, now), backfill };
  }
  const live = livePlan(state, now);
  if (retryWanted(state).retry !== undefined) return { ...live, backfill: { activity: 'fetchSlice' } };
  if (state.nextSliceAt !== null && state.nextSliceAt <= now) return { ...live, backfill: { activity: 'fetchSlice' } };
  const auditAt = fullSync.kind === 'done' ? state.nextAuditAt : null;
  const asked = fullSync.kind === 'done' && auditWanted(state).audit !== undefined;
  if (asked || (auditAt !== null && auditAt <= now)) return { ...live, backfill: { activity: 'audit' } };
  // When a live sync that begins now ends, there is a new plan.
  if (live.wakeAt === null && state.nextSliceAt === null) return { ...live, backfill: null };
  // With push, a scheduled audit waits for the next sync, so that a quiet mailbox wakes only once a day.
  const wakeForAudit = state.push.watch === null ? auditAt : null;
  return {
    ...live,
    backfill: null,
    wakeAt: Math.min(live.wakeAt ?? Infinity, state.nextSliceAt ?? Infinity, wakeForAudit ?? Infinity),
  };
}

function livePlan(state: MailboxState, now: number): { live: 'partialSync' | null; wakeAt: number | null } {
  const asked = state.syncs.requested > state.syncs.started;
  if (asked || state.nextPartialSyncAt <= now) return { live: 'partialSync', wakeAt: null };
  return { live: null, wakeAt: state.nextPartialSyncAt };
}
