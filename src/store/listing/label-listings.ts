import type { MailboxTransaction } from '../engines/mailbox-transaction.ts';

export const LABEL_LISTINGS = {
  table: 'label_listings',
  columns: ['mailbox_key', 'message_id', 'label_id'],
  key: ['mailbox_key', 'message_id', 'label_id'],
  onConflict: 'ignore',
} as const;

export async function forgetLabelListings({ tx, key }: MailboxTransaction): Promise<void> {
  await tx.deleteFrom('label_listings').where('mailbox_key', '=', key).execute();
}
