import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import { RATE_LIMITED_SIGNAL } from '../model/signal-name.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { StoreMark } from '../model/store-identity.ts';
import type { WaitingDelivery } from './delivery-state.ts';
import type { MailboxState } from './mailbox-state.ts';
import type { Phase } from './phase.ts';

/** The name of the workflow type: one workflow per mailbox. */
export const MAILBOX_WORKFLOW = 'mailbox';

export const workflowIdOf = (mailbox: MailboxId): string => `${MAILBOX_WORKFLOW}/${mailbox}`;

/**
 * How long a workflow task may take. One task may have to handle 10,000 signals, as many as the server keeps. That
 * takes a few seconds of processor time, and on a busy machine more than Temporal's usual ten. A task that never ends
 * in time would be retried forever. A longer timeout has a price: a task that died with its worker holds up its mailbox
 * for that long.
 */
export const TASK_TIMEOUT = '20 seconds';

/** Task queue of workflows and live activities, unless TIDEMARK_TASK_QUEUE names another. */
export const DEFAULT_TASK_QUEUE = 'tidemark';

/**
 * The queue of backfill slices. The server limits its rate to the project's quota, and live work never waits behind it.
 */
export const backfillQueueOf = (taskQueue: string): string => `${taskQueue}-backfill`;
/**
 * The queue of small slices. The server counts slices, not units, so in the other queue each would use up as much of
 * the quota as a slice of full size.
 */
export const smallSliceQueueOf = (taskQueue: string): string => `${backfillQueueOf(taskQueue)}-small`;

/** The queue of deliveries to handlers. Only workers that have handlers poll it. */
export const deliveryQueueOf = (taskQueue: string): string => `${taskQueue}-delivery`;
/** The queue of deliveries to webhooks. Every worker polls it. */
export const webhookQueueOf = (taskQueue: string): string => `${taskQueue}-webhook`;

export interface MailboxInput {
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  /** The database of the program that started the workflow; absent from earlier versions, and from a start by hand. */
  readonly store?: StoreMark;
  /** The state that an earlier run of this workflow carried over; null in the first run. */
  readonly carried: MailboxState | null;
}

export interface MailboxResult {
  readonly historyId: HistoryId | null;
  readonly partialSyncs: number;
  readonly fullSyncs: number;
  /** Set when the workflow ended so that a workflow of another mailbox id can continue with its state. */
  readonly handedOver?: { readonly to: MailboxId; readonly state: MailboxState };
}

// ── signals ──
/**
 * Something may have changed: synchronise now. Any number of pokes lead to a single partial sync. A poke made for one
 * of Gmail's notifications has the notification as its argument.
 */
export const poke = defineSignal<[GmailNotification?]>('poke');
/** List everything again and correct every difference. */
export const forceResync = defineSignal('forceResync');
/** Try every failed message again as soon as the quota allows. */
export const retryFailures = defineSignal('retryFailures');
export const pause = defineSignal('pause');
/** Ends a pause. A mailbox that is `failed` or `needs-consent` asks Gmail at once instead of less and less often. */
export const resume = defineSignal('resume');
/** New credentials are stored: ends `needs-consent`. */
export const reconnect = defineSignal('reconnect');
/**
 * Ends the workflow with its state as the result, for the workflow of another mailbox id. `tidemark rename` sends it.
 * Gmail's watch stays.
 */
export const handOver = defineSignal<[{ readonly to: MailboxId }]>('handOver');
/** Ends the workflow; its data stay. */
export const stop = defineSignal('stop');
/**
 * Changes the named settings, for example `{"format":"raw"}`. A changed scope or format begins a full sync, which
 * fetches only what is missing. An invalid change is refused as a whole and shown as the last error.
 */
export const configure = defineSignal<[SettingsChange]>('configure');
/**
 * From the mailbox's own activities: Gmail asked to wait until `until` (epoch ms by the worker's clock), which is
 * `waitFor` ms from now. Sent once per episode.
 */
export const rateLimited =
  defineSignal<[{ readonly until: number; readonly waitFor?: number; readonly message: string }]>(RATE_LIMITED_SIGNAL);

/**
 * A subscription was made or replayed: deliver what it waits for. Without an argument, it is a subscription with a
 * handler.
 */
export const deliver = defineSignal<[target?: 'handler' | 'webhook']>('deliver');

/** Names the signals that a person may send, for the workflow's page. */
export const SIGNALS_SENTENCE =
  'Signals: `poke`, `forceResync`, `retryFailures`, `configure`, `pause`, `resume`, `deliver`, `stop`.';

// ── updates ──
/** Asks for a partial sync that starts after this call. Returns its number for {@link awaitSync}. */
export const sync = defineUpdate<{ readonly sync: number }>('sync');
/** Waits (bounded) until that partial sync is applied and its new mail is fetched. Repeat while `done` is false. */
export const awaitSync = defineUpdate<AwaitResult, [{ readonly sync: number }]>('awaitSync');
/** Begins a forced full sync. Returns its generation for {@link awaitResync}. */
export const resync = defineUpdate<{ readonly generation: number }>('resync');
/** Waits (bounded) until that generation, or a later one, is complete. Repeat while `done` is false. */
export const awaitResync = defineUpdate<AwaitResult, [{ readonly generation: number }]>('awaitResync');

/**
 * Asks for a comparison of the store with Gmail once the mailbox is in sync. Returns its number for {@link awaitAudit}.
 */
export const audit = defineUpdate<{ readonly audit: number }>('audit');
/** Waits (bounded) until that audit is over; its result is in the store. Repeat while `done` is false. */
export const awaitAudit = defineUpdate<AwaitResult, [{ readonly audit: number }]>('awaitAudit');

/** The content of a notification besides the mailbox: https://developers.google.com/workspace/gmail/api/guides/push */
export interface GmailNotification {
  /** null when several notifications became one poke. */
  readonly historyId: HistoryId | null;
}

export interface AwaitResult {
  readonly done: boolean;
  readonly phase: Phase;
  readonly lastError: string | null;
  /** What a person can do about a mailbox that is blocked; absent from earlier versions. */
  readonly remedy?: Remedy;
}

/** The longest wait of an update. An update that lived as long as a backfill would hold back continue-as-new. */
export const AWAIT_BOUND = '20 seconds';

// ── query ──
export const status = defineQuery<MailboxStatus>('status');

/** Times are epoch ms. */
export interface BlockedStatus {
  /** Why it is blocked; absent from earlier versions. */
  readonly message?: string;
  /** What a person can do; absent when nothing is known, and from earlier versions. */
  readonly remedy?: Remedy;
  /** Epoch milliseconds when it was blocked. */
  readonly since: number;
  /** How many questions were refused since then. */
  readonly asks: number;
  /** When it asks again by itself; null while the mailbox is also paused. */
  readonly retryAt: number | null;
}

/** Times are epoch ms. */
export interface PushStatus {
  /** Epoch milliseconds when Gmail was last asked to watch the mailbox. */
  readonly renewedAt: number;
  /** Epoch milliseconds when Gmail stops watching unless it is asked again. */
  readonly expiration: number;
  /** Epoch milliseconds of the last notification; null before the first. */
  readonly notifiedAt: number | null;
  /**
   * False when the mailbox is polled as often as without push: a change arrived without a notification, or the watch
   * could not be renewed.
   */
  readonly trusted: boolean;
}

/** What a mailbox's workflow says of itself. */
export interface MailboxStatus {
  /** The mailbox's address. */
  readonly mailbox: MailboxId;
  /** The database that holds the mailbox; null until it is known, absent from earlier versions. */
  readonly store?: StoreMark | null;
  /** What the mailbox does, or waits for. */
  readonly phase: Phase;
  /** Epoch milliseconds when the phase began. */
  readonly phaseSince: number;
  /** The mark: everything up to it is in the store, or durably pending; null before the first full sync. */
  readonly historyId: HistoryId | null;
  /** The number of the latest full sync that lists everything; 0 before the first. */
  readonly generation: number;
  /** True once every message of the last full sync is stored, failed or gone, and a partial sync has run since. */
  readonly inSync: boolean;
  /** The settings that apply. */
  readonly settings: MailboxSettings;
  /** Partial syncs that ended well. */
  readonly partialSyncs: number;
  /** Full syncs that ended well. */
  readonly fullSyncs: number;
  /** Recoveries from an expired history. */
  readonly recoveries: number;
  /** How many pokes and notifications it got. Each says that something may have changed. */
  readonly pokes: number;
  /** Epoch milliseconds when a partial sync last reached the head; null before the first. */
  readonly syncedAt: number | null;
  /** Epoch milliseconds when the next partial sync is due; null when none is planned. */
  readonly nextSyncAt: number | null;
  /** Epoch milliseconds until which Gmail refuses calls; null when it does not. */
  readonly rateLimitedUntil: number | null;
  /** Gmail's notifications; null while Gmail does not watch the mailbox. */
  readonly push: PushStatus | null;
  /** Epoch milliseconds until which the project's daily budget holds back the backfill, while live syncs go on. */
  readonly heldUntil: number | null;
  /** `mendedAt`: when the failed work succeeded again; null, or absent from earlier versions, while it has not. */
  readonly lastError: {
    readonly message: string;
    readonly at: number;
    readonly mendedAt?: number | null;
    /** What can be done about it; absent when nothing is known, and from earlier versions. */
    readonly remedy?: Remedy;
  } | null;
  /**
   * Ms by which the clock of the last worker is ahead of Temporal's server (below 0: behind); null, or absent from
   * earlier versions, when the clock is right.
   */
  readonly clockSkew?: number | null;
  /** The same for Gmail's clock. */
  readonly gmailClockSkew?: number | null;
  /**
   * Set while the phase is `failed` or `needs-consent`; absent from earlier versions, which only waited for a person.
   */
  readonly blocked?: BlockedStatus | null;
  /** Subscriptions whose next attempt waits; absent from earlier versions. */
  readonly waitingDeliveries?: readonly WaitingDelivery[];
}
