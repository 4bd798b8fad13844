import type { MailboxId } from './branded-ids.ts';

/**
 * What a person can do about an error, as data: the command line names the commands, and a product offers what it has
 * itself. Plain JSON, since workflows carry it.
 */
export type Remedy =
  /** The mailbox is to be started. */
  | { readonly kind: 'start'; readonly mailbox: MailboxId }
  /** The mailbox is to be connected, if it never was, and started. */
  | { readonly kind: 'connect-and-start'; readonly mailbox: MailboxId }
  /** The mailbox is to be connected, or connected again: its owner consents. */
  | { readonly kind: 'connect'; readonly mailbox: MailboxId }
  /**
   * The owner consents to more, or, with `without`, to no more than is needed. `format`: a format whose consent is
   * enough; null for the settings' format. `orLess`: other settings would do as well.
   */
  | {
      readonly kind: 'grant';
      readonly mailbox: MailboxId;
      readonly without: 'gmail.metadata' | null;
      readonly format: string | null;
      readonly orLess: boolean;
    }
  /** A pause is to be ended. */
  | { readonly kind: 'end-pause'; readonly mailbox: MailboxId }
  /** Gmail can be asked again at once. `orConnect`: a new grant helps if the refusals go on. */
  | { readonly kind: 'ask-again'; readonly mailbox: MailboxId; readonly orConnect: boolean }
  /** The label in the mailbox's settings is to be corrected. */
  | { readonly kind: 'correct-labels'; readonly mailbox: MailboxId }
  /** The right database is to be named, or this one is to take its place. */
  | { readonly kind: 'take-place'; readonly mailbox: MailboxId; readonly resumes: boolean }
  /** The mailbox may have a new address. `else`: what is to be done if it does not. */
  | {
      readonly kind: 'rename';
      readonly from: MailboxId;
      readonly to: MailboxId;
      readonly else: 'connect' | 'ask-again' | null;
    }
  /** A person may know better than Google and the store. */
  | { readonly kind: 'rename-by-force'; readonly from: MailboxId; readonly to: MailboxId }
  /** A mailbox may have been begun by mistake. */
  | { readonly kind: 'remove'; readonly mailbox: MailboxId }
  | { readonly kind: 'pause'; readonly mailbox: MailboxId }
  | { readonly kind: 'run-worker' }
  | { readonly kind: 'run-server' }
  /** The Temporal server is to let this program in. */
  | { readonly kind: 'check-server-access' }
  | { readonly kind: 'make-namespace'; readonly namespace: string }
  /** What is asked for may be in another database. */
  | { readonly kind: 'name-database' }
  /** Gmail or Google may be asked at the wrong addresses. */
  | { readonly kind: 'check-google-addresses'; readonly gmail: string; readonly tokens: string }
  /** An administrator who may read the users of the domain is to be named. */
  | { readonly kind: 'name-administrator' }
  | { readonly kind: 'list-subscriptions' }
  /** What was delivered to the subscription can be delivered again. */
  | { readonly kind: 'replay'; readonly subscription: string }
  | { readonly kind: 'end-subscription'; readonly subscription: string }
  /** What the subscription has parked can be looked at. */
  | { readonly kind: 'see-parked'; readonly subscription: string }
  /** The subscription's webhooks need a new secret, which its receiver must get as well. */
  | { readonly kind: 'new-webhook-secret'; readonly subscription: string }
  /** The subscription's webhooks are to go to another URL, or addresses that are not public are to be allowed. */
  | { readonly kind: 'change-webhook'; readonly subscription: string }
  | { readonly kind: 'migrate' }
  /** A store is to be made: a first connected mailbox or a migration makes one. */
  | { readonly kind: 'make-store' }
  /** Bodies are lost and can be fetched again; `mailbox` is null when it is not known which. */
  | { readonly kind: 'check-bodies'; readonly mailbox: MailboxId | null; readonly rebuild: boolean }
  | { readonly kind: 'see-failures'; readonly mailbox: MailboxId }
  | { readonly kind: 'store-attachments'; readonly mailbox: MailboxId }
  /** A file is that of an OAuth client, by which an owner can consent. */
  | { readonly kind: 'consent-with-client' }
  /** A whole domain cannot be connected in this way, but single mailboxes can. */
  | { readonly kind: 'connect-single' };
