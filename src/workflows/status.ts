import type { MailboxStatus } from './definitions.ts';
import { backfillHeldUntil, isInSync, phaseOf, type MailboxState } from './mailbox-state.ts';

export function statusOf(state: MailboxState): MailboxStatus {
  return {
    mailbox: state.mailbox,
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
    lastError: state.lastError,
  };
}
