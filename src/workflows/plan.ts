import { auditWanted, phaseOf, retryWanted, type FullSyncReason, type MailboxState } from './mailbox-state.ts';

/** What the two lanes of a mailbox should do now. */
export interface Plan {
  readonly live: 'partialSync' | null;
  readonly backfill: BackfillWork | null;
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
  const phase = phaseOf(state);
  if (state.stopping || phase === 'paused' || phase === 'needs-consent' || phase === 'failed') return { live: null, backfill: null, wakeAt: null };
  const { fullSync } = state;
  if (fullSync.kind === 'unknown') return { live: null, backfill: { activity: 'openMailbox' }, wakeAt: null };
  if (fullSync.kind === 'listing') {
    const backfill = fullSync.reason === 'expired' ? ({ activity: 'recover' } as const) : ({ activity: 'fullSync', reason: fullSync.reason } as const);
    // Without a usable mark there is no history to read; otherwise new mail does not wait for the listing.
    if (fullSync.reason === 'expired' || state.historyId === null) return { live: null, backfill, wakeAt: null };
    return { ...livePlan(state, now), backfill };
  }
  const live = livePlan(state, now);
  if (retryWanted(state).retry !== undefined) return { ...live, backfill: { activity: 'fetchSlice' } };
  if (state.nextSliceAt !== null && state.nextSliceAt <= now) return { ...live, backfill: { activity: 'fetchSlice' } };
  const auditAt = fullSync.kind === 'done' ? state.nextAuditAt : null;
  const asked = fullSync.kind === 'done' && auditWanted(state).audit !== undefined;
  if (asked || (auditAt !== null && auditAt <= now)) return { ...live, backfill: { activity: 'audit' } };
  // A live sync that begins now makes another plan when it ends.
  if (live.wakeAt === null && state.nextSliceAt === null) return { ...live, backfill: null };
  // Where push makes syncs rare, an audit by itself goes with the next one: a quiet mailbox is woken once a day.
  const wakeForAudit = state.push.watch === null ? auditAt : null;
  return { ...live, backfill: null, wakeAt: Math.min(live.wakeAt ?? Infinity, state.nextSliceAt ?? Infinity, wakeForAudit ?? Infinity) };
}

function livePlan(state: MailboxState, now: number): { live: 'partialSync' | null; wakeAt: number | null } {
  const asked = state.syncs.requested > state.syncs.started;
  if (asked || state.nextPartialSyncAt <= now) return { live: 'partialSync', wakeAt: null };
  return { live: null, wakeAt: state.nextPartialSyncAt };
}
