import type { Change } from '../../model/change.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { Remedy } from '../../model/remedy.ts';
import type { EventKind, SubscribedEvent } from '../../model/subscribed-event.ts';
import type { Beginning, Subscription, SubscriptionDefinition, SubscriptionTarget } from '../../model/subscription.ts';

/** Who asks for changes, and how far each of them is. Times are epoch ms. */
export interface SubscriptionStore {
  /**
   * Makes a subscription, or changes one. A changed one keeps its positions, and begins to deliver again where it had
   * ended. It stays with a handler, or with a webhook.
   *
   * @param request.beginning - of a new one
   * @throws {InvalidSubscriptionError} when its name, batch or attempts are not allowed, or the name is that of a
   * subscription with the other kind of target
   * @throws {FeedError} as {@link SubscriptionStore.checkBeginning}, when it is new
   */
  putSubscription(request: {
    definition: SubscriptionDefinition;
    beginning: Beginning;
    now: number;
  }): Promise<'made' | 'changed' | 'same'>;
  /**
   * Whether a new subscription can begin there, so that nothing else is stored for one that cannot.
   *
   * @param request.mailboxes - those that it asks for; null for all
   * @throws {InvalidCursorError | CursorAheadError | FeedReplacedError | CursorPrunedError} when its cursor is no place
   * to go on from
   */
  checkBeginning(request: { beginning: Beginning; mailboxes: readonly MailboxId[] | null }): Promise<void>;
  listSubscriptions(): Promise<readonly Subscription[]>;
  /** Deletes it with its positions and parked deliveries. @returns false when there is none of that name */
  removeSubscription(name: string): Promise<boolean>;
  /** Ends it, because its target wants no more changes. Positions and parked deliveries stay. */
  endSubscription(request: { name: string; reason: string; now: number }): Promise<void>;
  /** How far the subscription is in each mailbox that it asks for. */
  readPositions(name: string): Promise<readonly DeliveryPosition[]>;
  /** How many mailboxes wait, and how many changes and events are parked, by subscription. */
  countDeliveries(): Promise<readonly DeliveryCounts[]>;
  /** The latest parked changes and events, at most `limit`. */
  listParked(request: { name: string; limit: number }): Promise<readonly ParkedChange[]>;
  /**
   * Moves a subscription back, never forward. What is delivered again has other delivery ids. Parked changes after the
   * new position are no longer parked, and a delivery under way no longer counts.
   *
   * @param request.mailbox - null for all that it asks for
   * @returns the mailboxes that were moved
   * @throws {FeedError} as {@link SubscriptionStore.checkBeginning}; nothing was moved then
   */
  replay(request: {
    name: string;
    mailbox: MailboxId | null;
    from: DeliveryStart;
  }): Promise<readonly ReplayedMailbox[]>;
  /**
   * Has what was parked delivered alone once more, with other delivery ids. Positions stay where they are. Each has one
   * attempt, so that nothing waits for it; one that fails is parked again.
   *
   * @param request.mailbox - null for all that it asks for
   * @param request.id - of the delivery that was parked; null for all
   * @returns the mailboxes that have such a parked change or event
   */
  replayParked(request: {
    name: string;
    mailbox: MailboxId | null;
    id: string | null;
    now: number;
  }): Promise<readonly ReplayedParked[]>;
}

/** What is delivered again of what a mailbox has parked. */
export interface ReplayedParked {
  /** The mailbox. */
  readonly mailbox: MailboxId;
  /** How many changes and events. Each has one attempt, and is parked again if that fails. */
  readonly again: number;
  /** How many stay parked, since they are not kept any more (`CHANGES_KEPT`). */
  readonly notKept: number;
}

/**
 * Where deliveries begin in each mailbox, with the events from there on: after a sequence number, after the cursor of a
 * change in the feed of all mailboxes, or with the first change since a time (epoch ms).
 */
export type DeliveryStart = { readonly after: number } | { readonly cursor: string } | { readonly since: number };

/** A mailbox in which a subscription went back. */
export interface ReplayedMailbox {
  /** The mailbox. */
  readonly mailbox: MailboxId;
  /**
   * How many of the changes that were asked for are not kept any more, and so are not delivered again; null when some
   * may be missing and their number is unknown.
   */
  readonly notKept: number | null;
}

/** How far a subscription is in a mailbox. Times are epoch milliseconds. */
export interface DeliveryPosition {
  /** The mailbox. */
  readonly mailbox: MailboxId;
  /** Everything up to it was accepted, parked, or not asked for. */
  readonly sequence: number;
  /** The mailbox's newest change. */
  readonly head: number;
  /** The same for events, by their numbers. */
  readonly event: number;
  /** The mailbox's newest event. */
  readonly eventHead: number;
  /** How many changes and events were accepted. */
  readonly delivered: number;
  /** When the target last accepted a delivery; null when it never did. */
  readonly acceptedAt: number | null;
  /** How many changes and events were set aside after their attempts. */
  readonly parked: number;
  /** Changes that were not delivered, since they were not kept until then (`CHANGES_KEPT`). */
  readonly notKept: number;
  /** The delivery that is under way or waits for its next attempt; null between two. */
  readonly delivery: {
    readonly id: string;
    /** How many changes it holds; 0 when it holds an event. */
    readonly changes: number;
    /** The number of the event that it holds; null when it holds changes. */
    readonly event: number | null;
    readonly attempts: number;
    readonly since: number | null;
  } | null;
  /** When the delivery that failed is tried again; null when none waits. */
  readonly nextAttemptAt: number | null;
  /** Why the last attempt failed; null when it did not. */
  readonly error: string | null;
  /** What can be done about the error, as data; null when there is nothing to do but to remove its cause. */
  readonly remedy: Remedy | null;
}

/** How many mailboxes of a subscription wait after a failure, and how many changes and events are parked. */
export interface DeliveryCounts {
  /** The subscription's name. */
  readonly name: string;
  /** Mailboxes whose delivery has failed and is tried again. */
  readonly failing: number;
  /** Changes and events that were set aside after their attempts. */
  readonly parked: number;
}

/** A change, or an event, that was set aside after its attempts. `parkedAt` is in epoch milliseconds. */
export interface ParkedChange {
  /** The mailbox of the change. */
  readonly mailbox: MailboxId;
  /** Of an event: that of the last change before it. */
  readonly sequence: number;
  /** null for a change. `kind` is null when the event was pruned since. */
  readonly event: { readonly number: number; readonly kind: EventKind | null } | null;
  /** The id of the delivery that failed: `replayParked` takes it. */
  readonly deliveryId: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly error: string;
  /** Epoch milliseconds when it was set aside. */
  readonly parkedAt: number;
  /** Whether it waits to be delivered once more, or is just being delivered. */
  readonly awaitsReplay: boolean;
}

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
