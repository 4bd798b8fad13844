import type { MailboxId } from '../model/ids.ts';
import type { MailboxStore } from '../store/mailbox-store.ts';
import type { Counts } from './requests.ts';

/** What a result of an activity says about the mailbox as a whole. */
export async function countsOf(store: MailboxStore, mailbox: MailboxId, now: number): Promise<Counts> {
  const { stored, pending, failed } = await store.countMessages(mailbox, now);
  return { stored, pending, failed };
}
