import { completeBlocked } from './blocked.ts';
import { withBoundedTexts } from './bounded-messages.ts';
import { completeEvents } from './events-state.ts';
import type { MailboxState } from './mailbox-state.ts';

/** The state that an earlier run carried over, completed by the fields that its version did not know. */
export function carriedState(fresh: MailboxState, carried: MailboxState | null): MailboxState {
  const state = { ...fresh, ...carried };
  const events = completeEvents(carried?.events, state.fullSync.kind);
  return withBoundedTexts({ ...state, events, blocked: completeBlocked(state.blocked, state.phaseSince) });
}
