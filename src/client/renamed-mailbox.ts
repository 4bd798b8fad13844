import type { MailboxId } from '../model/ids.ts';
import type { MailboxStore } from '../store/mailbox-store.ts';

/** The id that a mailbox has since it was renamed; null where there is a mailbox of this id still, or again, or never was one. */
export async function renamedMailbox(store: Pick<MailboxStore, 'getMailbox' | 'listMailboxes'>, former: MailboxId): Promise<MailboxId | null> {
  if ((await store.getMailbox(former)) !== null) return null;
  return (await store.listMailboxes()).find(({ renamedFrom }) => renamedFrom === former)?.id ?? null;
}
