import type { TidemarkClient } from '../client/tidemark-client.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';

export interface ConnectDomainRequest {
  readonly config: Config;
  readonly tidemark: {
    readonly client: TidemarkClient;
    readonly credentials: CredentialStore;
    readonly store: MailboxRegistry;
  };
  readonly clock: Clock;
  /** The JSON of a service account with domain-wide delegation. */
  readonly credentials: string;
  /** The administrator in whose name the users are listed. */
  readonly administrator: MailboxId;
  /** Path of an organisational unit, with the units below it; null for the whole account. */
  readonly orgUnit: string | null;
  /** Settings that differ from the defaults, for mailboxes that did not run before. */
  readonly settings: SettingsChange;
  /** Lists and compares, and changes nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /** Called after each slice with the number of mailboxes handled so far. */
  readonly onProgress?: (done: number, all: number) => void;
}

export interface ConnectedDomain {
  /** Mailboxes that this call started, or with `dryRun` would start. */
  readonly started: readonly MailboxId[];
  /** Mailboxes that ran before. If their credentials differed, they have the new ones now. */
  readonly running: readonly MailboxId[];
  /** Mailboxes that somebody stopped or removed: they stay so. Stored credentials are replaced by the new ones. */
  readonly stopped: readonly MailboxId[];
  /** Mailboxes that their owners connected by their own consent, which stays in use. */
  readonly ownGrant: readonly MailboxId[];
  /** Users whose mailbox is stored under an earlier address: no second mailbox is started for them. */
  readonly renamed: readonly RenamedUser[];
  /** Mailboxes that could not be connected, while others could. */
  readonly failed: readonly FailedMailbox[];
  readonly leftOut: readonly {
    readonly mailbox: MailboxId;
    readonly reason: 'suspended' | 'archived' | 'no-mailbox';
  }[];
}

export interface FailedMailbox {
  readonly mailbox: MailboxId;
  readonly message: string;
  /** What can be done about it, as data; null when there is nothing to do but to remove the cause. */
  readonly remedy: Remedy | null;
}

export interface RenamedUser {
  /** The stored mailbox. */
  readonly mailbox: MailboxId;
  /** The user's address now. */
  readonly to: MailboxId;
}
