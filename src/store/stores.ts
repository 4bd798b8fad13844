import type { BodySweeper } from './bodies/sweep-bodies.ts';
import type { ChangePruning } from './feed/prune-changes.ts';
import type { BuriedBodies } from './removal/buried-bodies.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { QuotaLedger } from '../model/quota-ledger.ts';
import type { StoredMailDescriber } from './headers/describe-stored.ts';
import type { MailboxStore } from './mailbox-store.ts';
import type { MailboxAccounts } from './mailboxes/mailbox-accounts.ts';
import type { MailboxRenaming } from './mailboxes/mailbox-renaming.ts';
import type { EventStore } from './subscriptions/event-store.ts';
import type { DeliveryStore } from './subscriptions/delivery-store.ts';
import type { SubscriptionStore } from './subscriptions/subscription-store.ts';
import type { StoreDatabase } from './engines/store-database.ts';
import type { MailboxRemoval } from './removal/mailbox-removal.ts';

/** What a database URL opens: the mirror and, separately, the credentials. */
export interface Stores {
  readonly store: MailboxStore &
    QuotaLedger &
    BodySweeper &
    BuriedBodies &
    ChangePruning &
    StoredMailDescriber &
    MailboxRemoval &
    MailboxRenaming &
    MailboxAccounts &
    SubscriptionStore &
    DeliveryStore &
    EventStore;
  readonly credentials: CredentialStore;
  /** The database behind `store`, which a move uses directly. */
  readonly database: StoreDatabase;
}
