import { completeBlocked } from './blocked.ts';
import { withBoundedTexts } from './bounded-messages.ts';
import type { MailboxState } from './mailbox-state.ts';

/** What an earlier run carried over, with what its version did not know yet. */
export function carriedState(fresh: MailboxState, carried: MailboxState | null): MailboxState {
  const state = { ...fresh, ...carried };
  return withBoundedTexts({ ...state, blocked: completeBlocked(state.blocked, state.phaseSince) });
}
