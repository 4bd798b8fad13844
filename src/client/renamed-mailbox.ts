import type { MailboxId } from '../model/ids.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';

/** The present id of a mailbox that was renamed; null when a mailbox has the former id, or no mailbox ever had it. */
export async function renamedMailbox(store: MailboxRegistry, former: MailboxId): Promise<MailboxId | null> {
  if ((await store.getMailbox(former)) !== null) return null;
  return (await store.listMailboxes()).find(({ renamedFrom }) => renamedFrom === former)?.id ?? null;
}
