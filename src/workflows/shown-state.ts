import type { MailboxId } from '../model/ids.ts';
import { phaseOf, type MailboxState } from './mailbox-state.ts';

/** The search attributes by which operators filter mailboxes. */
export interface ShownState {
  readonly phase: string;
  readonly failed: number;
  readonly drift: number | null;
  readonly address: MailboxId | null;
}

export function shownOf(state: MailboxState): ShownState {
  return { phase: phaseOf(state), failed: state.failed, drift: state.drift, address: state.push.address ?? null };
}

export function isShown(shown: ShownState | null, state: MailboxState): boolean {
  const { phase, failed, drift, address } = shownOf(state);
  return (
    shown !== null &&
    shown.phase === phase &&
    shown.failed === failed &&
    shown.drift === drift &&
    shown.address === address
  );
}
