import { isReachedAs } from '../model/address.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { AuditResult, Condition, Conditions, Doubt, MailboxRow } from '../store/rows/mailbox-row.ts';
import type { MailboxStore } from '../store/mailbox-store.ts';
import type { MessageCounts } from '../store/fetching/work-store.ts';
import type { MailboxStatus } from '../workflows/definitions.ts';
import type { Phase } from '../workflows/phase.ts';
import type { FailingTask } from './failing-task.ts';

/** What the client asks of the store. It writes in one case: a body that it finds lost is to be fetched again. */
export type MailboxReader = Pick<
  MailboxStore,
  'getMailbox' | 'listMailboxes' | 'countMessages' | 'getUsage' | 'getLabels' | 'listFailed' | 'listLacking' | 'readChanges' | 'streamMessages' | 'refetchLost'
>;

/** A mailbox as an operator sees it: what the workflow, Temporal and the store say about it, in one. Times are epoch milliseconds. */
export interface MailboxReport {
  readonly mailbox: MailboxId;
  /** `stopped` when no workflow runs. */
  readonly phase: Phase | 'stopped';
  readonly phaseSince: number | null;
  /** True when a worker answered: otherwise `phase` is the last one it showed, and what only the workflow knows is null. */
  readonly workerAnswered: boolean;
  /** Workers tried the workflow's task again and again in vain; null while they don't. `list` has it of mailboxes that the Temporal server has marked, which takes some more tries. */
  readonly failingTask: FailingTask | null;
  /** The mark: everything up to it is in the store, or durably listed as not yet there. */
  readonly historyId: HistoryId | null;
  readonly generation: number;
  /** null when no worker answered. */
  readonly inSync: boolean | null;
  readonly settings: MailboxSettings | null;
  readonly counts: MessageCounts;
  readonly usage: Usage;
  /** What goes on now against the mailbox's will, as the activities noted it: the worse of `conditions`. */
  readonly condition: Condition | null;
  /** The same of live syncs, and of the backfill (listings, slices, audits), each by itself. */
  readonly conditions: Conditions;
  /** `mendedAt`: when the same work succeeded again; null while the error goes on. */
  readonly lastError: { readonly message: string; readonly at: number; readonly mendedAt: number | null } | null;
  readonly fullSync: { readonly step: string; readonly startedAt: number; readonly finishedAt: number | null } | null;
  readonly syncedAt: number | null;
  /** What the last comparison with Gmail found. */
  readonly audit: AuditResult | null;
  readonly nextSyncAt: number | null;
  readonly rateLimitedUntil: number | null;
  /** Until when the project's daily budget holds back the backfill, while live syncs go on. */
  readonly heldUntil: number | null;
  /** When a mailbox in `failed` or `needs-consent` is asked again by itself, and how often it was; null otherwise, and when no worker answered. */
  readonly blocked: NonNullable<MailboxStatus['blocked']> | null;
  /** Gmail's notifications; null while Gmail does not watch the mailbox, and when no worker answered. */
  readonly push: MailboxStatus['push'];
  /** The account's address at Google where it is another one than notifications need to find the mailbox, and since when; null otherwise. */
  readonly renamedTo: { readonly address: MailboxId; readonly since: number } | null;
  /** Ms that the clock of the worker which answered last is ahead of Temporal's server (below 0: behind); null when it is right, or no worker answered. */
  readonly clockSkew: number | null;
  /** What Gmail's listings say and nothing else bears out, and when they are asked again; null while they are believed. */
  readonly doubt: (Doubt & { readonly relistAt: number | null }) | null;
  readonly changeSequence: number;
  readonly partialSyncs: number | null;
  readonly fullSyncs: number | null;
  readonly recoveries: number | null;
}

/** Calls and quota units over the mailbox's life. */
export interface Usage {
  readonly calls: number;
  readonly units: number;
  /** Calls that Gmail answered with a rate rejection. */
  readonly rejected: number;
  readonly methods: Readonly<Record<string, { readonly calls: number; readonly units: number; readonly rejected: number }>>;
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
  /** Absent where nobody asked. */
  readonly failingTask?: FailingTask | null;
  /** Why the last workflow failed, epoch ms with it; null or absent when it runs, or ended otherwise. */
  readonly failure?: { readonly message: string; readonly at: number } | null;
}

const NONE: MessageCounts = { stored: 0, pending: 0, failed: 0, gone: 0, excluded: 0, lacking: 0, backfill: 0, due: 0 };

/** Reads a mailbox's counts and usage. A mailbox that the store does not know has none. */
export async function readStored(store: MailboxReader, mailbox: MailboxId, now: number): Promise<StoredView> {
  const row = await store.getMailbox(mailbox);
  if (row === null) return { row, counts: NONE, usage: sumUsage([]) };
  const [counts, usage] = await Promise.all([store.countMessages(mailbox, now), store.getUsage(mailbox)]);
  return { row, counts, usage: sumUsage(usage) };
}

/** Pure: the store is the truth about the mail, the workflow about what goes on. */
export function reportOf(mailbox: MailboxId, { row, counts, usage }: StoredView, { phase, status, failingTask = null, failure = null }: RunningView): MailboxReport {
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
    condition: row?.condition ?? null,
    conditions: row?.conditions ?? { live: null, backfill: null },
    lastError: failure === null ? lastErrorOf(row, status) : { ...failure, mendedAt: null },
    fullSync: fullSyncOf(row),
    syncedAt: later(row?.syncedAt ?? null, status?.syncedAt ?? null),
    audit: row?.audit ?? null,
    nextSyncAt: status?.nextSyncAt ?? null,
    rateLimitedUntil: status?.rateLimitedUntil ?? waitOf(row),
    heldUntil: status?.heldUntil ?? null,
    blocked: status?.blocked ?? null,
    push: status?.push ?? null,
    renamedTo: renamedTo(row),
    clockSkew: status?.clockSkew ?? null,
    doubt: row === null || row.doubt === null ? null : { ...row.doubt, relistAt: row.relistAt },
    changeSequence: row?.changeSequence ?? 0,
    partialSyncs: status?.partialSyncs ?? null,
    fullSyncs: status?.fullSyncs ?? null,
    recoveries: status?.recoveries ?? null,
  };
}

function renamedTo(row: MailboxRow | null): MailboxReport['renamedTo'] {
  if (row === null || row.account === null || isReachedAs(row.id, row.account.address)) return null;
  const { address, since } = row.account;
  return { address, since };
}

/** A condition that is going on counts as the last error: the workflow learns of a failure only when the activity gives up. */
function lastErrorOf(row: MailboxRow | null, status: MailboxStatus | null): MailboxReport['lastError'] {
  const told = status === null || status.lastError === null ? null : { ...status.lastError, mendedAt: status.lastError.mendedAt ?? null };
  const condition = row?.condition ?? null;
  if (condition === null || condition.kind === 'rate-limited') return told;
  return told !== null && told.mendedAt === null && told.at >= condition.since ? told : { message: condition.message, at: condition.since, mendedAt: null };
}

/** Until when the lane that waits longest was told to. */
function waitOf(row: MailboxRow | null): number | null {
  const waits = [row?.conditions.live, row?.conditions.backfill].flatMap((condition) => (condition?.kind === 'rate-limited' && condition.until !== null ? [condition.until] : []));
  return waits.length === 0 ? null : Math.max(...waits);
}

function fullSyncOf(row: MailboxRow | null): MailboxReport['fullSync'] {
  const progress = row?.fullSync ?? null;
  if (progress === null) return null;
  return { step: progress.step, startedAt: progress.startedAt, finishedAt: progress.step === 'done' ? progress.finishedAt : null };
}

function later(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}

function sumUsage(methods: readonly { method: string; calls: number; units: number; rejected: number }[]): Usage {
  const sum = (key: 'calls' | 'units' | 'rejected'): number => methods.reduce((total, usage) => total + usage[key], 0);
  return {
    calls: sum('calls'),
    units: sum('units'),
    rejected: sum('rejected'),
    methods: Object.fromEntries(methods.map(({ method, calls, units, rejected }) => [method, { calls, units, rejected }])),
  };
}
