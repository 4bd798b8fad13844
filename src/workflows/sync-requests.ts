import type { HistoryId } from '../model/ids.ts';
import { withSyncBeside } from './delivery-state.ts';
import { NOT_POKED, type MailboxState } from './mailbox-state.ts';
import { isRenewalNotice, withNotification, withRenewalNotice } from './push-state.ts';

/**
 * Ms after a poke until history is read once more: a second longer than history takes to settle. With push, polls are
 * too rare to find late records soon.
 */
const REREAD_AFTER_POKE = 31_000;

export function withSyncRequested(state: MailboxState): MailboxState {
  return { ...state, syncs: { ...state.syncs, requested: state.syncs.requested + 1 } };
}

export function withPokeCounted(state: MailboxState): MailboxState {
  return { ...state, counters: { ...state.counters, pokes: state.counters.pokes + 1 } };
}

export function withPoke(state: MailboxState, now: number): MailboxState {
  // The next change is more likely to belong to this poke than to an earlier one that found nothing.
  const serving = state.syncs.started > state.syncs.served ? state.pokedAt.serving : null;
  return {
    ...withSyncRequested(state),
    pokedAt: { waiting: state.pokedAt.waiting ?? now, serving },
    rereadAt: now + REREAD_AFTER_POKE,
  };
}

/**
 * A partial sync serves the requests that were made before it began, and the reread if it was due by then. A sync that
 * began earlier may have read too early, however late it ends.
 */
export function withSyncStarted(state: MailboxState, now: number): MailboxState {
  const { syncs, pokedAt, rereadAt } = state;
  return {
    ...state,
    deliveries: withSyncBeside(state.deliveries),
    webhooks: withSyncBeside(state.webhooks),
    syncs: { ...syncs, started: syncs.requested },
    pokedAt: state.blocked === null ? { waiting: null, serving: pokedAt.serving ?? pokedAt.waiting } : NOT_POKED,
    rereadAt: rereadAt !== null && rereadAt <= now ? null : rereadAt,
  };
}

export function withNotified(state: MailboxState, historyId: HistoryId | null, now: number): MailboxState {
  const counted = withPokeCounted(state);
  // A renewal causes one notification, so a second one with the same id is about something else.
  if (isRenewalNotice(state.push, historyId, now)) {
    const heard = { ...counted, push: withRenewalNotice(withNotification(state.push, { historyId, sync: null }, now)) };
    if (state.push.announces === true) return heard;
    const rereadAt = now + REREAD_AFTER_POKE;
    return { ...heard, rereadAt, nextPartialSyncAt: Math.min(state.nextPartialSyncAt, rereadAt) };
  }
  const requested = withPoke(counted, now);
  return {
    ...requested,
    push: withNotification(state.push, { historyId, sync: requested.syncs.requested, rereadAt: state.rereadAt }, now),
  };
}
