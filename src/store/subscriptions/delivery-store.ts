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
  /** What follows for a subscription. Changes nothing and locks nothing. */
  nextDelivery(request: { mailbox: MailboxId; subscription: string; now: number }): Promise<NextDelivery>;
  /**
   * Begins an attempt at a delivery that {@link nextDelivery} found. Its changes are fixed with its first attempt.
   * Where something else has happened to the position since, nothing begins.
   *
   * The attempt is counted before it is made, and counts as unended until its end is told.
   *
   * @param request.next - of the changes that were found, as many of the first ones as its target can hold
   * @param request.pause - what holds unless the attempt's end is told: nothing is attempted before `until`
   */
  beginDelivery(request: {
    mailbox: MailboxId;
    subscription: string;
    now: number;
    next: AttemptableDelivery;
    pause?: { readonly until: number; readonly reason: string } | null;
  }): Promise<DeliveryStep>;
  /**
   * Keeps the first changes only of a delivery that has just begun for the first time, and that no target has seen:
   * they have another id then.
   *
   * @param request.size - how many, at least one
   * @returns null when the position names another attempt
   */
  narrowDelivery(request: DeliveryNamed & { size: number }): Promise<BegunDelivery | null>;
  /**
   * An attempt has ended without an answer of its target: it was cancelled, its worker shuts down, or the store failed.
   * So it is not one that ended its worker, and nothing waits for it.
   */
  releaseDelivery(request: Omit<DeliveryNamed, 'now'> & { attempt: number }): Promise<void>;
  /**
   * The target has accepted the delivery: the position moves behind it.
   *
   * @returns false when the position names another delivery: an attempt that ended late, or a replay
   */
  acceptDelivery(request: DeliveryNamed): Promise<boolean>;
  /**
   * The same in the transaction in which the target works.
   *
   * @param work - runs statements of the same transaction; when it throws, nothing has happened
   * @returns false when the position names another delivery; `work` has not run then
   */
  acceptWithin(request: DeliveryNamed, work: (query: QueryWithin) => Promise<void>): Promise<boolean>;
  /**
   * An attempt has failed. When the position names another one, this one only counts as ended. What was parked, and has
   * failed once more, is parked again, whatever `next` says.
   */
  failDelivery(request: FailedDelivery): Promise<void>;
  /** Nothing is attempted before `until`: what the target needs is not there. */
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
  /** The kinds of targets of which one would get its next change at once. */
  readonly listening: readonly SubscriptionTarget['kind'][];
  /**
   * A sequence number: no change after it was looked at. 0 when nothing is due. null when an event may be due, too, of
   * which it says nothing.
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
  /** The number of its newest event. */
  readonly event: number;
}

/** How far a subscription is in a mailbox: the last change and the last event that are behind it. */
export interface DeliveryPlace {
  readonly sequence: number;
  readonly event: number;
}

/** What follows for a subscription and a mailbox. */
export type NextDelivery =
  { readonly kind: 'idle' } | { readonly kind: 'waits'; readonly until: number } | AttemptableDelivery;

export type AttemptableDelivery =
  /**
   * Something parked that is to be delivered once more. `unended`: the delivery id of an attempt at it that has begun,
   * and of which no worker said how it ended; null when none has begun.
   */
  | { readonly kind: 'parked'; readonly place: ReplayPlace; readonly unended: string | null }
  /** A delivery whose content was fixed by an earlier attempt. */
  | { readonly kind: 'fixed'; readonly delivery: FixedDelivery }
  /**
   * A search after the position `after`. Everything up to `passed` is in `changes`, or was not asked for. `event` is
   * what follows where there are no changes.
   */
  | {
      readonly kind: 'found';
      readonly after: DeliveryPlace;
      readonly changes: readonly Change[];
      readonly event: SubscribedEvent | null;
      readonly passed: DeliveryPlace;
    };

/** What was parked: a change by its sequence number, or an event by its number. */
export type ReplayPlace = { readonly sequence: number } | { readonly event: number };

export interface FixedDelivery {
  readonly id: string;
  /** That have begun. */
  readonly attempts: number;
  /** Of them, those of which no worker said how they ended. One of them may still run. */
  readonly unended: number;
  /** Whether a time was set before which nothing was to be attempted, and has passed since the last attempt began. */
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
  /** `park` of several changes has each of them delivered by itself from now on. */
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
  /** Changes were passed that nobody asked for, or something else happened meanwhile: look again. */
  | { readonly kind: 'passed' }
  | { readonly kind: 'begun'; readonly delivery: BegunDelivery };
