import type { MailboxId } from '../model/ids.ts';
import type { MailboxStore } from '../store/mailbox-store.ts';

/** The present id of a mailbox that was renamed; null when a mailbox has the former id, or none ever had. */
export async function renamedMailbox(
  store: Pick<MailboxStore, 'getMailbox' | 'listMailboxes'>,
  former: MailboxId,
): Promise<MailboxId | null> {
  if ((await store.getMailbox(former)) !== null) return null;
  return (await store.listMailboxes()).find(({ renamedFrom }) => renamedFrom === former)?.id ?? null;
}
