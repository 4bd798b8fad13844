import { otherAddressOf } from '../model/address.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import { successful, type MethodUsage } from '../model/quota-ledger.ts';
import type { Remedy } from '../model/remedy.ts';
import type { MailboxSettings } from '../model/settings.ts';
import { NO_CONDITIONS, worseCondition } from '../store/rows/condition-columns.ts';
import type { AuditResult, Condition, Conditions, Doubt, MailboxRow } from '../store/rows/mailbox-row.ts';
import type { WorkStore, MessageCounts } from '../store/fetching/work-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import type { LostBodies } from '../store/fetching/lost-bodies.ts';
import type { MailboxChanges } from '../store/feed/mailbox-changes.ts';
import type { MailStore } from '../store/reads/mail-store.ts';
import type { SettingsPreviews } from '../store/reads/held-under-settings.ts';
import type { MailboxStatus } from '../workflows/definitions.ts';
import type { DeliveryStore } from '../store/subscriptions/delivery-store.ts';
import type { SubscriptionStore } from '../store/subscriptions/subscription-store.ts';
import type { Phase } from '../workflows/phase.ts';
import type { FailingTask } from './failing-task.ts';
import { conditionsNow } from './pending-failures.ts';

/**
 * The roles of the store that the client uses. The client writes in one case only: to have a lost body fetched again.
 */
export type ClientStore = MailboxRegistry &
  WorkStore &
  SpentUnits &
  LabelStore &
  MailStore &
  MailboxChanges &
  SubscriptionStore &
  Pick<DeliveryStore, 'findDeliveries'> &
  SettingsPreviews &
  LostBodies;

/**
 * A mailbox as an operator sees it, put together from the workflow, Temporal and the store. Times are epoch
 * milliseconds.
 */
export interface MailboxReport {
  /** The mailbox's address. */
  readonly mailbox: MailboxId;
  /** `stopped` when no workflow runs. */
  readonly phase: Phase | 'stopped';
  /** When the phase began; null when no worker answered. */
  readonly phaseSince: number | null;
  /**
   * False when no worker answered: then `phase` is the last one that the workflow showed, and what only the workflow
   * knows is null.
   */
  readonly workerAnswered: boolean;
  /**
   * Set while the workflow's task keeps failing. `list` reports it later than `status`: once the Temporal server has
   * marked the workflow, after some more attempts.
   */
  readonly failingTask: FailingTask | null;
  /** The mark: everything up to it is in the store, or durably pending. */
  readonly historyId: HistoryId | null;
  /** The number of the latest full sync that lists everything; 0 before the first. */
  readonly generation: number;
  /** null when no worker answered. */
  readonly inSync: boolean | null;
  /** The mailbox's settings; null when neither the workflow nor the store knows them. */
  readonly settings: MailboxSettings | null;
  /** How many messages are in each state. */
  readonly counts: MessageCounts;
  /** Its calls to Gmail, and what they cost. */
  readonly usage: Usage;
  /** What keeps the mailbox from its work now: the worse of the two `conditions`. */
  readonly condition: Condition | null;
  /**
   * The condition of live syncs, and that of the backfill (listings, slices, audits). Activities record them in the
   * store. A store that cannot be written does not hold its own failure: `status` takes it from Temporal, while `list`
   * and `progress` do not show it.
   */
  readonly conditions: Conditions;
  /**
   * `mendedAt` is when the same work succeeded again; null while the error persists. `remedy` says as data what can be
   * done about it; absent when nothing is known.
   */
  readonly lastError: {
    readonly message: string;
    readonly at: number;
    readonly mendedAt: number | null;
    readonly remedy?: Remedy;
  } | null;
  /** The full sync that runs, or ran last; null before the first. */
  readonly fullSync: { readonly step: string; readonly startedAt: number; readonly finishedAt: number | null } | null;
  /** When a partial sync last reached the head; null before the first. */
  readonly syncedAt: number | null;
  /** Result of the last comparison with Gmail. */
  readonly audit: AuditResult | null;
  /** When the next partial sync is due; null when none is planned, or no worker answered. */
  readonly nextSyncAt: number | null;
  /** Until when Gmail refuses calls; null when it does not, or no worker answered. */
  readonly rateLimitedUntil: number | null;
  /** Until when the project's daily budget holds back the backfill, while live syncs go on. */
  readonly heldUntil: number | null;
  /**
   * For a mailbox in `failed` or `needs-consent`: when it asks Gmail again by itself, and how often it has asked. Null
   * otherwise, and when no worker answered.
   */
  readonly blocked: NonNullable<MailboxStatus['blocked']> | null;
  /** Subscriptions whose next attempt waits; none when no worker answered. */
  readonly waitingDeliveries: NonNullable<MailboxStatus['waitingDeliveries']>;
  /** Gmail's notifications; null while Gmail does not watch the mailbox, and when no worker answered. */
  readonly push: MailboxStatus['push'];
  /**
   * The account's address at Google and when it was first seen, if notifications under that address do not find the
   * mailbox; null otherwise.
   */
  readonly renamedTo: { readonly address: MailboxId; readonly since: number } | null;
  /**
   * Milliseconds by which the last worker's clock is ahead of the Temporal server's (negative: behind). Null when the
   * clock is right, or no worker answered.
   */
  readonly clockSkew: number | null;
  /** The same for Gmail's clock. A machine that runs both the worker and Temporal can only be wrong against Gmail's. */
  readonly gmailClockSkew: number | null;
  /**
   * What Gmail's listings say and nothing else confirms, and when the mailbox is listed again; null when the listings
   * are trusted.
   */
  readonly doubt: (Doubt & { readonly relistAt: number | null }) | null;
  /** The number of the mailbox's newest change. */
  readonly changeSequence: number;
  /** Partial syncs that ended well; null when no worker answered. */
  readonly partialSyncs: number | null;
  /** Full syncs that ended well; null when no worker answered. */
  readonly fullSyncs: number | null;
  /** Recoveries from an expired history; null when no worker answered. */
  readonly recoveries: number | null;
}

/** Calls and quota units over the mailbox's life. */
export interface Usage extends CallCounts {
  /** The same for each method of the Gmail API, such as `messages.get`. */
  readonly methods: Readonly<Record<string, CallCounts>>;
}

/** How many calls to Gmail were made, what they cost, and how they ended. */
export interface CallCounts {
  /** All calls, however they ended. */
  readonly calls: number;
  /** Quota units that they cost: https://developers.google.com/workspace/gmail/api/reference/quota */
  readonly units: number;
  /** Calls that Gmail answered with a rate rejection. */
  readonly rejected: number;
  /** Calls that failed in another way. */
  readonly failed: number;
  /** Calls that Gmail answered with success: what Google's Scaled tier bills. */
  readonly successful: number;
}

/** What the store knows of a mailbox. */
export interface StoredView {
  readonly row: MailboxRow | null;
  readonly counts: MessageCounts;
  readonly usage: Usage;
}

/** What Temporal knows of a mailbox. */
export interface RunningView {
  /** null when no workflow runs. */
  readonly phase: Phase | null;
  /** null when no worker answered the query. */
  readonly status: MailboxStatus | null;
  /** Absent when it was not asked for. */
  readonly failingTask?: FailingTask | null;
  /** The failures of activities that are tried again. Absent when they were not asked for. */
  readonly failing?: Conditions;
  /** Why and when (epoch ms) the last workflow failed; null or absent when it runs, or did not fail. */
  readonly failure?: { readonly message: string; readonly at: number } | null;
}

const NONE: MessageCounts = { stored: 0, pending: 0, failed: 0, gone: 0, excluded: 0, lacking: 0, backfill: 0, due: 0 };

/** Reads a mailbox's row, counts and usage. For a mailbox that the store does not know, the counts are zero. */
export async function readStored(
  store: MailboxRegistry & WorkStore & SpentUnits,
  mailbox: MailboxId,
  now: number,
): Promise<StoredView> {
  const row = await store.getMailbox(mailbox);
  if (row === null) return { row, counts: NONE, usage: sumUsage([]) };
  const [counts, usage] = await Promise.all([store.countMessages(mailbox, now), store.getUsage(mailbox)]);
  return { row, counts, usage: sumUsage(usage) };
}

/** Pure. The store is the authority on the mail, the workflow on what happens now. */
export function reportOf(
  mailbox: MailboxId,
  { row, counts, usage }: StoredView,
  { phase, status, failingTask = null, failing, failure = null }: RunningView,
): MailboxReport {
  const conditions = conditionsNow(row?.conditions ?? NO_CONDITIONS, failing);
  const condition = worseCondition(conditions);
  return {
    mailbox,
    phase: status?.phase ?? phase ?? 'stopped',
    phaseSince: status?.phaseSince ?? null,
    workerAnswered: status !== null,
    failingTask,
    historyId: row?.historyId ?? status?.historyId ?? null,
    generation: row?.generation ?? status?.generation ?? 0,
    inSync: status?.inSync ?? null,
    settings: status?.settings ?? row?.settings ?? null,
    counts,
    usage,
    condition,
    conditions,
    lastError: failure === null ? lastErrorOf(condition, status) : { ...failure, mendedAt: null },
    fullSync: fullSyncOf(row),
    syncedAt: later(row?.syncedAt ?? null, status?.syncedAt ?? null),
    audit: row?.audit ?? null,
    nextSyncAt: status?.nextSyncAt ?? null,
    rateLimitedUntil: status?.rateLimitedUntil ?? waitOf(conditions),
    heldUntil: status?.heldUntil ?? null,
    blocked: status?.blocked ?? null,
    waitingDeliveries: status?.waitingDeliveries ?? [],
    push: status?.push ?? null,
    renamedTo: renamedTo(row),
    clockSkew: status?.clockSkew ?? null,
    gmailClockSkew: status?.gmailClockSkew ?? null,
    doubt: row === null || row.doubt === null ? null : { ...row.doubt, relistAt: row.relistAt },
    changeSequence: row?.changeSequence ?? 0,
    partialSyncs: status?.partialSyncs ?? null,
    fullSyncs: status?.fullSyncs ?? null,
    recoveries: status?.recoveries ?? null,
  };
}

function renamedTo(row: MailboxRow | null): MailboxReport['renamedTo'] {
  if (row === null || row.account === null || otherAddressOf(row.id, row.account) === null) return null;
  const { address, since } = row.account;
  return { address, since };
}

/**
 * A current condition counts as the last error, since the workflow learns of a failure only when the activity gives up.
 */
function lastErrorOf(condition: Condition | null, status: MailboxStatus | null): MailboxReport['lastError'] {
  const reported =
    status === null || status.lastError === null
      ? null
      : { ...status.lastError, mendedAt: status.lastError.mendedAt ?? null };
  if (condition === null || condition.kind === 'rate-limited') return reported;
  return reported !== null && reported.mendedAt === null && reported.at >= condition.since
    ? reported
    : {
        message: condition.message,
        at: condition.since,
        mendedAt: null,
        ...(condition.remedy === undefined ? {} : { remedy: condition.remedy }),
      };
}

/** The end of the longer wait of the two lanes; null when neither waits. */
function waitOf({ live, backfill }: Conditions): number | null {
  const waits = [live, backfill].flatMap((condition) =>
    condition?.kind === 'rate-limited' && condition.until !== null ? [condition.until] : [],
  );
  return waits.length === 0 ? null : Math.max(...waits);
}

function fullSyncOf(row: MailboxRow | null): MailboxReport['fullSync'] {
  const progress = row?.fullSync ?? null;
  if (progress === null) return null;
  return {
    step: progress.step,
    startedAt: progress.startedAt,
    finishedAt: progress.step === 'done' ? progress.finishedAt : null,
  };
}

function later(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}

function sumUsage(methods: readonly MethodUsage[]): Usage {
  const sum = (key: 'calls' | 'units' | 'rejected' | 'failed'): number =>
    methods.reduce((total, usage) => total + usage[key], 0);
  return {
    ...callCounts({ calls: sum('calls'), units: sum('units'), rejected: sum('rejected'), failed: sum('failed') }),
    methods: Object.fromEntries(methods.map(({ method, ...counts }) => [method, callCounts(counts)])),
  };
}

const callCounts = (counts: Omit<MethodUsage, 'method'>): CallCounts => ({
  ...counts,
  successful: successful(counts),
});
