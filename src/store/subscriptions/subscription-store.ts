import type { MailboxId } from '../../model/ids.ts';
import type { Remedy } from '../../model/remedy.ts';
import type { EventKind } from '../../model/subscribed-event.ts';
import type { Beginning, Subscription, SubscriptionDefinition } from '../../model/subscription.ts';

/** Who asks for changes, and how far each of them is. Times are epoch ms. */
export interface SubscriptionStore {
  /**
   * Makes a subscription, or changes one. A changed subscription keeps its positions, and delivers again if it had
   * ended. Its target stays a handler, or a webhook.
   *
   * @param request.beginning - where a new subscription begins
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
   * Checks that a new subscription can begin there, before anything else is stored for it.
   *
   * @param request.mailboxes - the mailboxes that it asks for; null for all
   * @throws {InvalidCursorError | CursorAheadError | FeedReplacedError | CursorPrunedError} when its cursor is no place
   * to go on from
   */
  checkBeginning(request: { beginning: Beginning; mailboxes: readonly MailboxId[] | null }): Promise<void>;
  listSubscriptions(): Promise<readonly Subscription[]>;
  /** Deletes a subscription with its positions and parked deliveries. @returns false when none has that name */
  removeSubscription(name: string): Promise<boolean>;
  /** Ends a subscription, because its target wants no more changes. Positions and parked deliveries stay. */
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
   * Replays what was parked: each change or event is delivered alone, once more, with another delivery id. Positions
   * stay where they are. A replay has one attempt, so that nothing waits for it; when it fails, the change or event is
   * parked again.
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
  /** How many changes and events are delivered again. Each has one attempt, and is parked again if that fails. */
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
  /** Every change up to this one was accepted, parked, or not asked for. */
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
  /** How many changes and events were parked after their attempts failed. */
  readonly parked: number;
  /** Changes that were not delivered, since they were not kept until then (`CHANGES_KEPT`). */
  readonly notKept: number;
  /** The delivery that is under way or waits for its next attempt; null between two deliveries. */
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
  /** Changes and events that were parked after their attempts failed. */
  readonly parked: number;
}

/** A change, or an event, that was parked after its attempts failed. `parkedAt` is in epoch milliseconds. */
export interface ParkedChange {
  /** The mailbox of the change. */
  readonly mailbox: MailboxId;
  /** The change's sequence number; for an event, that of the last change before it. */
  readonly sequence: number;
  /** null for a change. `kind` is null when the event was pruned since. */
  readonly event: { readonly number: number; readonly kind: EventKind | null } | null;
  /** The id of the delivery that failed: `replayParked` takes it. */
  readonly deliveryId: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly error: string;
  /** Epoch milliseconds when it was parked. */
  readonly parkedAt: number;
  /** Whether it waits to be delivered once more, or is just being delivered. */
  readonly awaitsReplay: boolean;
}
