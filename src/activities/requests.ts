import type { FailedCall } from '../gmail/quota/patience.ts';
import type { Forecast } from '../model/forecast.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { StoreMark } from '../model/store-identity.ts';
import type { NotedEvent } from '../model/subscribed-event.ts';

/** Inputs and results of the activities: one object each, nothing private in it. */

export interface KnownStore {
  /** The database that the workflow knows; absent before it knows one, and from earlier versions. */
  readonly store?: StoreMark;
}

export interface OpenMailboxRequest extends KnownStore {
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  /**
   * The settings that the workflow's start named. The others come from the store, or are the defaults as in `settings`.
   * Absent when all were named, and from earlier versions, which used the defaults.
   */
  readonly named?: SettingsChange;
  /** The first run id of the workflow: an attempt that outlives its removed mailbox must not create it again. */
  readonly chain?: string;
}

/** Work on a mailbox, which may be blocked. */
export interface MailboxWork extends KnownStore {
  /** True when one cheap call without retries must first ask whether Gmail serves the mailbox again. */
  readonly ask?: boolean;
}

export interface ListingRequest extends MailboxWork {
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  readonly generation: number;
}

export interface FetchSliceRequest extends MailboxWork {
  readonly mailbox: MailboxId;
  /** The number of the request to try all failed messages now, when there is one. */
  readonly retry?: number;
  /** A small slice: little is left to fetch. Absent from a slice of full size. */
  readonly isSmall?: true;
}

export interface PartialSyncRequest extends MailboxWork {
  readonly mailbox: MailboxId;
  /** The workflow's mark. If the store's differs, the older one wins. */
  readonly historyId: HistoryId | null;
  /** When the first poke that this sync serves came (epoch ms); absent without a poke. */
  readonly pokedAt?: number;
  /** The call of the look before this sync that failed, if one did. */
  readonly failedBefore?: FailedCall;
}

export interface LookRequest extends KnownStore {
  readonly mailbox: MailboxId;
  /** The workflow's mark. If the store's differs, a partial sync has something to do. */
  readonly historyId: HistoryId | null;
}

/**
 * `more`: a partial sync must follow, also because a call failed. `quiet`: nothing has changed up to this head, which
 * is the mark now; `units` is what finding that out has cost.
 */
export type LookResult = OfWorker &
  (
    | { readonly kind: 'more'; readonly failedBefore?: FailedCall }
    | { readonly kind: 'quiet'; readonly historyId: HistoryId; readonly units: number }
  );

/** The part of every result that concerns the worker. */
export interface OfWorker {
  /**
   * Ms that the worker's clock is ahead of Temporal's server (below 0: behind); absent when that is less than a second,
   * or not known.
   */
  readonly clockSkew?: number;
  /** The same for Gmail's clock; absent when that is less than two seconds or not known, and from earlier versions. */
  readonly gmailClockSkew?: number;
  /** True when a handler waits for changes that the mailbox has; absent otherwise, and from earlier versions. */
  readonly deliverable?: true;
  /** The same for a webhook. */
  readonly webhooks?: true;
  /**
   * With `deliverable` or `webhooks`: a sequence number that none of the waiting changes exceeds. Absent when an event
   * waits, too, since events have no sequence number.
   */
  readonly deliverableUpTo?: number;
  /** Which kinds of targets would get a new change at once; absent when none would, and from earlier versions. */
  readonly listening?: readonly ('handler' | 'webhook')[];
  /**
   * Ms until a handler's next attempt is due, if one waits. The workflow learns it from each delivery, and forgets it
   * when a pause cancels the next one. Absent when none waits, and from earlier versions.
   */
  readonly handlerIn?: number;
  /** The same for a webhook. */
  readonly webhookIn?: number;
  /** The worker's database; absent from the results of earlier versions. */
  readonly store?: StoreMark;
}

/** The part of results that concerns the mailbox as a whole. */
export interface Counts extends OfWorker {
  readonly stored: number;
  readonly pending: number;
  readonly failed: number;
  /** Absent from the results of earlier versions. */
  readonly quota?: QuotaUse;
}

/** Units spent over the mailbox's life, calls that Gmail refused, and the forecast. */
export interface QuotaUse extends Forecast {
  readonly units: number;
  readonly rejected: number;
}

export interface OpenMailboxResult extends Counts {
  readonly historyId: HistoryId | null;
  readonly generation: number;
  readonly step: 'none' | 'listing' | 'fetching' | 'done';
  readonly settingsChanged: boolean;
  /** The mailbox's settings now; absent when the request named all, and from earlier versions. */
  readonly settings?: MailboxSettings;
}

export interface ListingResult extends Counts {
  readonly generation: number;
  /** The mark: the mailbox's head before the listing began. */
  readonly historyId: HistoryId;
}

export interface FetchSliceResult extends Counts {
  readonly generation: number;
  readonly fetched: number;
  /** The `retry` of the request that this slice served. */
  readonly retried?: number;
  /** True when no row of the backfill lane is pending any more. */
  readonly complete: boolean;
  /** Epoch ms when the next pending or failed row is due; null when there is none. */
  readonly nextAttemptAt: number | null;
  /** The same in ms from now, independent of any clock's error; absent from earlier versions. */
  readonly nextAttemptIn?: number | null;
  /** Epoch ms until which the project's daily budget holds back what is left; absent when it does not. */
  readonly heldUntil?: number;
  /** The same in ms from now. */
  readonly heldFor?: number;
  /** True when the last listing left doubts and must be repeated now. */
  readonly isDoubted?: boolean;
}

export interface PartialSyncResult extends Counts {
  readonly historyId: HistoryId;
  readonly changed: boolean;
  /** True when the activity's budget ended before its work did. */
  readonly more: boolean;
  /** When live rows that are not fetched yet are due; not in the future if they came, or came due, during the sync. */
  readonly nextAttemptAt: number | null;
  /** When the backfill lane is due: for a failed message, or for the relisting. */
  readonly failedAttemptAt: number | null;
  /** When history must be read once more for records that appear late. */
  readonly settleAt: number | null;
  /** The three times above in ms from now, independent of any clock's error; absent from earlier versions. */
  readonly nextAttemptIn?: number | null;
  readonly failedAttemptIn?: number | null;
  readonly settleIn?: number | null;
  /** Gmail's watch on the mailbox; null, or absent from earlier versions, when there is none. */
  readonly watch?: WatchResult | null;
  /** The account's address at Gmail, where it is not the mailbox's; absent otherwise. */
  readonly address?: MailboxId;
  /** Why Gmail has just refused to watch the mailbox. */
  readonly watchRefusal?: string;
  /** Gmail's watch is as the settings want it, so an earlier refusal is over; absent otherwise. */
  readonly watchSettled?: true;
}

/** Times are epoch ms. */
export interface WatchResult {
  readonly renewedAt: number;
  readonly renewAt: number;
  readonly expiration: number;
  /**
   * Ms until `renewAt` and since `renewedAt`, independent of any clock's error; absent from earlier versions, and from
   * the workflow's state.
   */
  readonly renewIn?: number;
  readonly renewedAgo?: number;
  /** True when this activity made or renewed the watch. */
  readonly isRenewed: boolean;
}

export interface StopWatchRequest {
  readonly mailbox: MailboxId;
}

export interface AuditRequest extends MailboxWork {
  readonly mailbox: MailboxId;
  /** The number of the request that this audit serves; absent when it runs by itself. */
  readonly audit?: number;
}

export interface DeliverRequest extends KnownStore {
  readonly mailbox: MailboxId;
  /** Absent for handlers, and from earlier versions. */
  readonly to?: 'webhook';
  /** True when a sync begins beside the delivery, which then waits a moment for the sync's changes. */
  readonly awaits?: true;
}

export interface DeliverResult extends OfWorker {
  /** True when there was more to deliver than one activity may. */
  readonly more: boolean;
  /** Ms until the next attempt is due; null when none waits. */
  readonly nextIn: number | null;
  /** The first of the subscriptions whose next attempt waits; `nextIn` is in ms. `waits` counts all of them. */
  readonly waiting: readonly {
    readonly subscription: string;
    readonly nextIn: number;
    readonly why: 'failing' | 'no-handler' | 'busy';
  }[];
  readonly waits: number;
  /** How many attempts were made; absent from earlier versions. */
  readonly attempts?: number;
  /**
   * A sequence number: unless `more` is true, the delivery looked at every change up to this number after the change
   * was committed. Absent from earlier versions.
   */
  readonly seen?: number;
}

export interface NoteEventsRequest extends KnownStore {
  readonly mailbox: MailboxId;
  /** In their order. */
  readonly events: readonly NotedEvent[];
}

export interface AuditActivityResult extends OfWorker {
  /** Messages that differ from Gmail. */
  readonly drift: number;
  readonly audit?: number;
}

/** The activities that keep the mirror. */
export interface SyncActivities {
  /** Makes sure that the store knows the mailbox under these settings, and returns how far it is. */
  openMailbox(request: OpenMailboxRequest): Promise<OpenMailboxResult>;
  /**
   * Makes the listing of a generation: pins the mark, lists every id as a pending message, and compares the messages
   * stored before.
   */
  fullSync(request: ListingRequest): Promise<ListingResult>;
  /** The same after history expired. It first waits for Gmail's index to catch up, so that the listing is exact. */
  recover(request: ListingRequest): Promise<ListingResult>;
  /** Fetches pending messages, newest first, within a budget of quota units. */
  fetchSlice(request: FetchSliceRequest): Promise<FetchSliceResult>;
  /**
   * Applies history from the mark to the mailbox's head, and fetches what it brought. Makes or renews Gmail's watch
   * where one is wanted.
   */
  partialSync(request: PartialSyncRequest): Promise<PartialSyncResult>;
  /** Looks whether a partial sync has anything to do. Runs as a local activity, within a workflow task. */
  lookForChanges(request: LookRequest): Promise<LookResult>;
  /** Compares the store with Gmail by listings. Changes nothing. */
  audit(request: AuditRequest): Promise<AuditActivityResult>;
  /** Keeps events of the mailbox, for subscriptions that ask for them. */
  noteEvents(request: NoteEventsRequest): Promise<OfWorker>;
  /** Ends Gmail's watch on the mailbox. */
  stopWatch(request: StopWatchRequest): Promise<void>;
}

/** The activities as the workflow sees them. */
export interface MailboxActivities extends SyncActivities {
  /** Delivers what subscriptions wait for. */
  deliver(request: DeliverRequest): Promise<DeliverResult>;
}
