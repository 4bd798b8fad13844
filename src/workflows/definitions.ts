import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import { RATE_LIMITED_SIGNAL } from '../model/signal-name.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { MailboxState } from './mailbox-state.ts';
import type { Phase } from './phase.ts';

/** The name of the workflow type: one workflow per mailbox. */
export const MAILBOX_WORKFLOW = 'mailbox';

export const workflowIdOf = (mailbox: MailboxId): string => `${MAILBOX_WORKFLOW}/${mailbox}`;

/** Task queue of workflows and live activities, unless TIDEMARK_TASK_QUEUE names another. */
export const DEFAULT_TASK_QUEUE = 'tidemark';

/** Backfill slices have a queue of their own: its server-side rate is the project's quota, and live work never queues behind it. */
export const backfillQueueOf = (taskQueue: string): string => `${taskQueue}-backfill`;

export interface MailboxInput {
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  /** What an earlier run of this workflow carried over. */
  readonly carried: MailboxState | null;
}

export interface MailboxResult {
  readonly historyId: HistoryId | null;
  readonly partialSyncs: number;
  readonly fullSyncs: number;
  /** Set when the workflow ended for a mailbox of another id, which goes on with its state. */
  readonly handedOver?: { readonly to: MailboxId; readonly state: MailboxState };
}

// ── signals ──
/**
 * Something may have changed: synchronise now. Any number of pokes before the next partial sync cost one. One that Gmail's notification made says
 * so by its argument.
 */
export const poke = defineSignal<[GmailNotification?]>('poke');
/** List everything anew and correct every difference. */
export const forceResync = defineSignal('forceResync');
/** Try every failed message again now. */
export const retryFailures = defineSignal('retryFailures');
export const pause = defineSignal('pause');
/** Ends a pause, and asks Gmail again at once after `failed` or `needs-consent`, which otherwise ask by themselves ever more rarely. */
export const resume = defineSignal('resume');
/** New credentials are stored: ends `needs-consent`. */
export const reconnect = defineSignal('reconnect');
/** Ends the workflow, whose result holds its state for the workflow of another mailbox id: `tidemark rename` sends it. Gmail's watch stays. */
export const handOver = defineSignal<[{ readonly to: MailboxId }]>('handOver');
/** Ends the workflow; the data stay. */
export const stop = defineSignal('stop');
/**
 * Changes those settings that are named, for example `{"format":"raw"}`; a changed scope or format begins a full sync, which fetches only
 * what is missing. A change that is not valid is refused whole, and shown as the last error.
 */
export const configure = defineSignal<[SettingsChange]>('configure');
/** From the mailbox's own activities: Gmail told them to wait until then (epoch ms, by the worker's clock), which is `waitFor` ms from now. Sent once per episode. */
export const rateLimited = defineSignal<[{ readonly until: number; readonly waitFor?: number; readonly message: string }]>(RATE_LIMITED_SIGNAL);

// ── updates ──
/** Asks for a partial sync that starts after this call; answers its number for {@link awaitSync}. */
export const sync = defineUpdate<{ readonly sync: number }>('sync');
/** Waits (bounded) until that partial sync is applied and its new mail is fetched. Repeat while `done` is false. */
export const awaitSync = defineUpdate<AwaitResult, [{ readonly sync: number }]>('awaitSync');
/** Begins a forced full sync; answers its generation for {@link awaitResync}. */
export const resync = defineUpdate<{ readonly generation: number }>('resync');
/** Waits (bounded) until that generation, or a later one, is complete. Repeat while `done` is false. */
export const awaitResync = defineUpdate<AwaitResult, [{ readonly generation: number }]>('awaitResync');

/** Asks for a comparison of the store with Gmail, once the mailbox is in sync; answers its number for {@link awaitAudit}. */
export const audit = defineUpdate<{ readonly audit: number }>('audit');
/** Waits (bounded) until that audit is over; its result is in the store. Repeat while `done` is false. */
export const awaitAudit = defineUpdate<AwaitResult, [{ readonly audit: number }]>('awaitAudit');

/** What a notification tells beside the mailbox: https://developers.google.com/workspace/gmail/api/guides/push */
export interface GmailNotification {
  /** null when several notifications became one poke. */
  readonly historyId: HistoryId | null;
}

export interface AwaitResult {
  readonly done: boolean;
  readonly phase: Phase;
  readonly lastError: string | null;
}

/** An update never lives as long as a backfill: it would hold back continue-as-new. */
export const AWAIT_BOUND = '20 seconds';

// ── query ──
export const status = defineQuery<MailboxStatus>('status');

/** Times are epoch ms. */
export interface BlockedStatus {
  /** Why; absent from earlier versions. */
  readonly message?: string;
  readonly since: number;
  /** How often it was asked since then, in vain. */
  readonly asks: number;
  /** When it is asked again by itself; null while the mailbox is paused, too. */
  readonly retryAt: number | null;
}

/** Times are epoch ms. */
export interface PushStatus {
  readonly renewedAt: number;
  readonly expiration: number;
  readonly notifiedAt: number | null;
  /** False when polls come as without push: a change was found that nobody had told of, or the watch could not be renewed. */
  readonly trusted: boolean;
}

export interface MailboxStatus {
  readonly mailbox: MailboxId;
  readonly phase: Phase;
  /** Epoch ms. */
  readonly phaseSince: number;
  readonly historyId: HistoryId | null;
  readonly generation: number;
  /** True once every message of the last full sync is stored, failed or gone, and a partial sync has run since. */
  readonly inSync: boolean;
  readonly settings: MailboxSettings;
  readonly partialSyncs: number;
  readonly fullSyncs: number;
  readonly recoveries: number;
  readonly pokes: number;
  readonly syncedAt: number | null;
  readonly nextSyncAt: number | null;
  readonly rateLimitedUntil: number | null;
  /** Gmail's notifications; null while Gmail does not watch the mailbox. */
  readonly push: PushStatus | null;
  /** Until when the project's daily budget holds back the backfill, while live syncs go on. */
  readonly heldUntil: number | null;
  /** `mendedAt`: when the same succeeded again; null, or absent from earlier versions, while it has not. */
  readonly lastError: { readonly message: string; readonly at: number; readonly mendedAt?: number | null } | null;
  /** Ms that the clock of the worker which answered last is ahead of Temporal's server (below 0: behind); null, or absent from earlier versions, when it is right. */
  readonly clockSkew?: number | null;
  /** While the phase is `failed` or `needs-consent`; absent from earlier versions, which waited for a person alone. */
  readonly blocked?: BlockedStatus | null;
}
