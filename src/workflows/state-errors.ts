import type { LastError } from './last-error.ts';
import type { MailboxState } from './mailbox-state.ts';

export const errorIn = ({
  message,
  lane,
  remedy,
}: Pick<LastError, 'message' | 'remedy'> & { readonly lane: LastError['of'] }): Pick<
  LastError,
  'message' | 'of' | 'remedy'
> => ({
  message,
  of: lane,
  ...(remedy === undefined ? {} : { remedy }),
});

export function withError(
  state: MailboxState,
  error: Pick<LastError, 'message' | 'of' | 'remedy'>,
  now: number,
): MailboxState {
  return { ...state, lastError: { ...error, at: now, mendedAt: null } };
}
