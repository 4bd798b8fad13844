import type { AuditStore } from './audits/audit-store.ts';
import type { FetchingStore } from './fetching/fetching-store.ts';
import type { LostBodies } from './fetching/lost-bodies.ts';
import type { WorkStore } from './fetching/work-store.ts';
import type { HistoryStore } from './history/history-store.ts';
import type { LabelStore } from './listing/label-store.ts';
import type { ListingStore } from './listing/listing-store.ts';
import type { MailboxRegistry } from './mailboxes/mailbox-registry.ts';
import type { SpentUnits } from './mailboxes/spent-units.ts';
import type { MailboxChanges } from './feed/mailbox-changes.ts';
import type { MailStore } from './reads/mail-store.ts';
import type { SettingsPreviews } from './reads/held-under-settings.ts';

/**
 * The mirror of many mailboxes in one database. Every write is one transaction that first locks the mailbox's row, so
 * that writers of one mailbox take turns. History ids guard every write: a write that is repeated, late, or beside
 * another attempt of the same activity leaves the same rows.
 *
 * A row's state:
 * - `pending`: known to exist, not fetched yet (or to be fetched again);
 * - `stored`: body held, in scope. The message may lack what Gmail does not give (`StoredMessage.lacks`), which is
 *   asked for again at `nextAttemptAt`, except for the raw of a chat;
 * - `failed`: could not be fetched; tried again at `nextAttemptAt`. Also a message that seems deleted, until that is
 *   certain;
 * - `gone`: deleted at Gmail, or not shown by the listing of a narrower scope; `goneBecause` says which. The row stays
 *   as a tombstone, so that an older get cannot bring the message back;
 * - `excluded`: exists at Gmail outside the scope (spam, another label, too old). Its labels are followed, its body is
 *   not needed.
 *
 * Two history ids guard a row:
 * - `historyId` is the newest history id at which the message itself is known to have changed, by a get or by a history
 *   record. A get with an older id is stale.
 * - `readingHistoryId` is the history id up to which the row contains every change. It comes from a get, or is the
 *   `startHistoryId` of a listing whose labels were compared. It may be newer than `historyId`, because Gmail's
 *   historyId of a quiet message is old.
 *
 * For a mailbox that {@link MailboxRegistry.putMailbox} has not registered, every method but
 * {@link MailboxRegistry.getMailbox} throws `lost`: that is what a deleted or replaced database looks like.
 *
 * @throws {StoreError} from every method, when the database cannot be used
 */
export type MailboxStore = MailboxRegistry &
  SpentUnits &
  ListingStore &
  LabelStore &
  FetchingStore &
  WorkStore &
  LostBodies &
  HistoryStore &
  AuditStore &
  MailStore &
  MailboxChanges &
  SettingsPreviews &
  StoreLife;

/** The database behind the store, as a whole. */
export interface StoreLife {
  /**
   * Throws `newer-schema` or `older-schema` if the database's schema is no longer this program's, and `unavailable` if
   * the database does not answer.
   */
  check(): Promise<void>;
  /**
   * Writes the identity file of every place of bodies that lacks it, so that the bodies missing there count as lost.
   *
   * @returns the URLs of those places
   */
  rebuildBodyPlaces(): Promise<readonly string[]>;
  close(): Promise<void>;
}
