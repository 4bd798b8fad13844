import type { Change } from '../../model/change.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { Remedy } from '../../model/remedy.ts';
import type { SubscribedEvent } from '../../model/subscribed-event.ts';
import type { SubscriptionTarget } from '../../model/subscription.ts';

/** What the delivery lane of a mailbox does to positions. A position moves only for the delivery that it names. */
export interface DeliveryStore {
  /**
   * The subscriptions that have something to attempt now. Positions move over changes that nobody asked for.
   */
  findDeliveries(request: { mailbox: MailboxId; now: number }): Promise<FoundDeliveries>;
  /** The newest change and the newest event of a mailbox. @returns null when the store does not know the mailbox */
  newestChange(mailbox: MailboxId): Promise<NewestChange | null>;
  /** What is to be delivered next to a subscription. Changes nothing and locks nothing. */
  nextDelivery(request: { mailbox: MailboxId; subscription: string; now: number }): Promise<NextDelivery>;
  /**
   * Begins an attempt at a delivery that {@link nextDelivery} found. Its changes are fixed with its first attempt. If
   * something else has happened to the position since, nothing begins.
   *
   * The attempt is counted before it is made, and counts as unended until its end is reported.
   *
   * @param request.next - what was found, with only as many of the first changes as the target can hold
   * @param request.pause - unless the attempt's end is reported, nothing is attempted before `until`
   */
  beginDelivery(request: {
    mailbox: MailboxId;
    subscription: string;
    now: number;
    next: AttemptableDelivery;
    pause?: { readonly until: number; readonly reason: string } | null;
  }): Promise<DeliveryStep>;
  /**
   * Shortens a delivery to its first changes. Its first attempt has just begun, and no target has seen it. The
   * shortened delivery has another id.
   *
   * @param request.size - how many, at least one
   * @returns null when the position names another attempt
   */
  narrowDelivery(request: DeliveryNamed & { size: number }): Promise<BegunDelivery | null>;
  /**
   * An attempt has ended without an answer of its target: it was cancelled, its worker shuts down, or the store failed.
   * It does not count as an attempt that ended its worker, and the next attempt need not wait.
   */
  releaseDelivery(request: Omit<DeliveryNamed, 'now'> & { attempt: number }): Promise<void>;
  /**
   * The target has accepted the delivery: the position moves behind it.
   *
   * @returns false when the position names another delivery: an attempt that ended late, or a replay
   */
  acceptDelivery(request: DeliveryNamed): Promise<boolean>;
  /**
   * {@link DeliveryStore.acceptDelivery} in the transaction in which the target works.
   *
   * @param work - runs statements of the same transaction; when it throws, nothing has happened
   * @returns false when the position names another delivery; `work` has not run then
   */
  acceptWithin(request: DeliveryNamed, work: (query: QueryWithin) => Promise<void>): Promise<boolean>;
  /**
   * An attempt has failed. When the position names another attempt, this one only counts as ended. A failed replay is
   * parked again, whatever `next` says.
   */
  failDelivery(request: FailedDelivery): Promise<void>;
  /** Something that the target needs is missing: nothing is attempted before `until`. */
  postponeDelivery(request: {
    mailbox: MailboxId;
    subscription: string;
    until: number;
    reason: string;
    remedy?: Remedy | null;
  }): Promise<void>;
}

export interface FoundDeliveries {
  readonly due: readonly DueDelivery[];
  /** The kinds of those targets that would get their next change at once. */
  readonly listening: readonly SubscriptionTarget['kind'][];
  /** The subscriptions whose next attempt waits, and until when (epoch ms). */
  readonly waiting: readonly (DueDelivery & { readonly until: number })[];
  /**
   * No change after this sequence number was looked at; 0 when nothing is due. null when an event or a replay may be
   * due as well, about which a sequence number says nothing.
   */
  readonly upTo: number | null;
}

export interface DueDelivery {
  readonly subscription: string;
  readonly target: SubscriptionTarget['kind'];
}

export interface NewestChange {
  /** The mailbox's number in this database, as announcements of commits name it. */
  readonly key: number;
  readonly sequence: number;
  /** The number of the mailbox's newest event. */
  readonly event: number;
}

/** How far a subscription is in a mailbox: the last change and the last event that are behind it. */
export interface DeliveryPlace {
  readonly sequence: number;
  readonly event: number;
}

/** What is to be delivered next to a subscription from a mailbox. */
export type NextDelivery =
  { readonly kind: 'idle' } | { readonly kind: 'waits'; readonly until: number } | AttemptableDelivery;

export type AttemptableDelivery =
  /**
   * A parked change or event that is to be delivered once more. `unended`: the delivery id of an attempt that has begun
   * and has no reported end; null when no attempt has begun.
   */
  | { readonly kind: 'parked'; readonly item: ParkedItem; readonly unended: string | null }
  /** A delivery whose content was fixed by an earlier attempt. */
  | { readonly kind: 'fixed'; readonly delivery: FixedDelivery }
  /**
   * What a search after the place `after` found. Everything up to `passed` is in `changes`, or was not asked for.
   * `event` is what follows when there are no changes.
   */
  | {
      readonly kind: 'found';
      readonly after: DeliveryPlace;
      readonly changes: readonly Change[];
      readonly event: SubscribedEvent | null;
      readonly passed: DeliveryPlace;
    };

/** What was parked: a change by its sequence number, or an event by its number. */
export type ParkedItem = { readonly sequence: number } | { readonly event: number };

export interface FixedDelivery {
  readonly id: string;
  /** How many attempts have begun. */
  readonly attempts: number;
  /** How many of these attempts have no reported end. One of them may still run. */
  readonly unended: number;
  /** Whether the delivery was put off after its last attempt began, until a time that has passed. */
  readonly hasWaited: boolean;
  /** How many changes it holds; 1 when it holds an event. */
  readonly holds: number;
  readonly isEvent: boolean;
}

/** Runs a statement in the transaction of a delivery; its parameters are `$1`, `$2` … in PostgreSQL, `?` in SQLite. */
export type QueryWithin = (
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

export interface DeliveryNamed {
  readonly mailbox: MailboxId;
  readonly subscription: string;
  readonly id: string;
  readonly now: number;
}

export interface FailedDelivery extends DeliveryNamed {
  readonly attempt: number;
  readonly error: string;
  readonly remedy?: Remedy | null;
  /** `park`, for a delivery of several changes, has each of them delivered by itself from now on. */
  readonly next: { readonly kind: 'retry'; readonly at: number } | { readonly kind: 'park' };
}

/** What a delivery holds: changes of a mailbox, or a single event of it. */
export type DeliveredContent =
  | { readonly event: null; readonly changes: readonly [Change, ...Change[]] }
  | { readonly event: SubscribedEvent; readonly changes: readonly [] };

/** An attempt that has begun. */
export type BegunDelivery = DeliveredContent & {
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  readonly firstAttemptAt: number;
  /** True when the changes are delivered one by one, since a batch with them kept failing. */
  readonly isSplit: boolean;
  /** True for what was parked and is delivered once more: its only attempt. */
  readonly isReplay: boolean;
};

export type DeliveryStep =
  | { readonly kind: 'idle' }
  | { readonly kind: 'waits'; readonly until: number }
  /** The position moved over changes that nobody asked for, or something else happened meanwhile: look again. */
  | { readonly kind: 'passed' }
  | { readonly kind: 'begun'; readonly delivery: BegunDelivery };
