import type { MailboxId } from '../model/ids.ts';
import type { LostBody } from '../model/lost-body.ts';
import type { StoredMessage } from '../store/reads/mail-store.ts';
import type { ClientMeans } from './mailbox-workflow.ts';

/** Every live message with its stored bytes. A message whose body was lost is left out, and fetched again. */
export function streamStored(
  { store, clock }: Pick<ClientMeans, 'store' | 'clock'>,
  mailbox: MailboxId,
  onLostBody: ((lost: LostBody) => void) | undefined,
): AsyncIterable<StoredMessage> {
  return store.streamMessages(mailbox, {
    onLostBody: async (lost) => {
      await store.refetchLost({ mailbox, lost, now: clock.now() });
      onLostBody?.(lost);
    },
  });
}
