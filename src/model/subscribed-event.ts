import type { MailboxId, MessageId } from './ids.ts';

/** The events of a mailbox, besides changes of its mail, that a subscription can ask for. */
export const EVENT_KINDS = ['needs-consent', 'recovered', 'in-sync', 'message-failed'] as const;
/** One of {@link EVENT_KINDS}. */
export type EventKind = (typeof EVENT_KINDS)[number];

/**
 * Why a mailbox needs its owner.
 * - `access-revoked`: the grant was revoked or has expired, or the service account's key was deleted;
 * - `scope-missing`: the grant does not include what the settings need, or includes what bars it;
 * - `other-account`: the credentials open another account;
 * - `not-connected`: there are no credentials.
 */
export type ConsentCode = 'access-revoked' | 'scope-missing' | 'other-account' | 'not-connected';

/** What an event says besides its mailbox and its time. `reason` is a sentence for a person, without mail. */
export type EventDetails =
  /**
   * The mailbox's owner has to consent again. The event comes once, and again only if the new consent is not enough.
   */
  | { readonly kind: 'needs-consent'; readonly code: ConsentCode; readonly reason: string }
  /** Gmail's history had expired, and everything was listed and compared since then. */
  | { readonly kind: 'recovered' }
  /**
   * Everything that the mailbox has at Gmail is stored. The event comes after a full sync, and again once the mailbox
   * no longer needs consent.
   */
  | { readonly kind: 'in-sync' }
  /**
   * A message could not be stored, and is left out for now. It is tried again, ever more rarely, which does not repeat
   * the event. A message that seems deleted, because Gmail does not find it, has not failed.
   */
  | { readonly kind: 'message-failed'; readonly messageId: MessageId; readonly reason: string };

/** An event that a mailbox's workflow noticed. */
export interface NotedEvent {
  /** Unique within the mailbox, and the same in every attempt to keep the event. */
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly details: EventDetails;
}

/** An event of a mailbox. */
export type SubscribedEvent = {
  readonly mailbox: MailboxId;
  /** Counts the events of the mailbox from 1, without gaps. */
  readonly number: number;
  /** The sequence of the mailbox's last change before the event; 0 before the first change. */
  readonly after: number;
  /** Epoch ms. */
  readonly at: number;
} & EventDetails;
