import type { MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import { fromMailboxColumns, mailboxKey } from '../rows/mailbox-rows.ts';
import type { MailboxAccount } from '../rows/mailbox-row.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** What the store knows about the account behind a mailbox. */
export interface MailboxAccounts {
  /** Saves the account's profile. */
  saveAccount(request: { mailbox: MailboxId; account: MailboxAccount }): Promise<void>;
  /**
   * Notes that the known account may have another address by now, so that Gmail is soon asked for it. Does nothing for
   * a mailbox without a watch.
   */
  askForAccountSoon(mailbox: MailboxId): Promise<void>;
  /**
   * Messages that identify the account: the newest and the oldest of those that exist at Gmail. Empty when the store
   * holds no message.
   */
  sampleMessages(mailbox: MailboxId): Promise<readonly SampledMessage[]>;
}

export interface SampledMessage {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  /** Epoch ms; null before the first successful get. */
  readonly internalDate: number | null;
}

/**
 * Message ids begin with a time, so their order is the order of age. Any single message may be deleted by now, so
 * several are taken.
 */
const NEWEST = 3;
const OLDEST = 2;

/** See {@link MailboxAccounts.saveAccount}. */
export function saveAccount(
  database: StoreDatabase,
  request: { mailbox: MailboxId; account: MailboxAccount },
): Promise<void> {
  return withMailbox(database, request.mailbox, (locked) =>
    locked.updateMailbox({ account: JSON.stringify(request.account) }),
  );
}

/** See {@link MailboxAccounts.sampleMessages}. */
export async function sampleMessages(database: StoreDatabase, mailbox: MailboxId): Promise<readonly SampledMessage[]> {
  const key = await mailboxKey(database, mailbox);
  const found = await database.read(async (db) => {
    const known = db
      .selectFrom('messages')
      .select(['id', 'thread_id', 'internal_date'])
      .where('mailbox_key', '=', key)
      .where('state', 'in', ['stored', 'excluded', 'pending']);
    return [
      ...(await known.orderBy('id', 'desc').limit(NEWEST).execute()),
      ...(await known.orderBy('id', 'asc').limit(OLDEST).execute()),
    ];
  });
  const byId = new Map(found.map((row) => [row.id, row]));
  return [...byId.values()].map((row) => ({
    id: row.id as MessageId,
    threadId: row.thread_id as ThreadId,
    internalDate: row.internal_date,
  }));
}

/** See {@link MailboxAccounts.askForAccountSoon}. */
export function askForAccountSoon(database: StoreDatabase, mailbox: MailboxId): Promise<void> {
  return withMailbox(database, mailbox, async (locked) => {
    const { watch, account } = fromMailboxColumns(locked.columns);
    if (watch === null || account === null || account.isDoubted === true) return;
    await locked.updateMailbox({ account: JSON.stringify({ ...account, isDoubted: true }) });
  });
}
