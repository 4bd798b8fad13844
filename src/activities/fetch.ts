import type { GmailError } from '../gmail/api/gmail-error.ts';
import type { FetchOutcome, GmailSession } from '../gmail/api/gmail-api.ts';
import { runPlan, type FetchBatch, type RunSummary, type WorkListPart } from '../gmail/quota/run-plan.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Lane } from '../model/lane.ts';
import { wantsAttachments } from '../model/settings.ts';
import type { FetchingStore, PendingMessage } from '../store/fetching/fetching-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import { isUnavailable } from './batched-gets.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { FetchWork } from './fetch-work.ts';
import { saveOutcomes } from './save-outcomes.ts';
import { sharedQuestion } from './shared-question.ts';

export interface FetchPendingRequest {
  readonly mailbox: MailboxId;
  readonly lane: Lane;
  /** Quota units that the batches may cost together. */
  readonly unitBudget: number;
}

type Batch = FetchBatch<PendingMessage>;

/**
 * Fetches the due messages of a lane. The pending rows are the work list. Each batch is stored in one transaction as it
 * arrives, so a crash loses only the batches in flight, and an overlapping attempt at worst fetches a batch twice and
 * stores the same rows. Everything that arrived is stored before a failure is thrown, so the activity's retry begins
 * where this attempt ended.
 */
export function fetchPending(
  deps: ActivityDependencies<MailboxRegistry & FetchingStore>,
  session: GmailSession,
  { mailbox, lane, unitBudget }: FetchPendingRequest,
  run: ActivityRun,
): Promise<RunSummary> {
  const requireServed = sharedQuestion(() => session.getProfile(run.signal));
  return runPlan(
    session,
    {
      prices: deps.prices,
      unitBudget,
      read: (limit) => duePart(deps, { mailbox, lane, limit }),
      fetch: (batch, target) =>
        fetchBatch({ deps, session, fetch: { mailbox, lane, ...target }, run, requireServed }, batch),
      onProgress: (progress) => run.progress({ ...progress }),
    },
    run.signal,
  );
}

/** The settings are read with each part: they may change while the work list is fetched. */
async function duePart(
  { store, clock }: ActivityDependencies<MailboxRegistry & FetchingStore>,
  { mailbox, lane, limit }: { readonly mailbox: MailboxId; readonly lane: Lane; readonly limit: number },
): Promise<WorkListPart<PendingMessage> | null> {
  const wanted = await store.nextPending({ mailbox, lane, limit, now: clock.now() });
  const row = await store.getMailbox(mailbox);
  if (row === null) return null;
  return { wanted, target: { format: row.settings.format, attachments: wantsAttachments(row.settings) } };
}

/**
 * Fetches one batch. When the whole batch fails although Gmail answers other calls, one of its messages is the culprit:
 * the batch is halved until the culprit is alone and all others are stored. An outage fails the activity and counts
 * against no message.
 *
 * @returns how many messages were stored
 */
async function fetchBatch(work: FetchWork, batch: Batch): Promise<number> {
  try {
    return await fetchWhole(work, batch);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    if (batch.length > 1) await work.requireServed();
    return await isolate(work, batch, error);
  }
}

async function fetchWhole(work: FetchWork, batch: Batch): Promise<number> {
  const { session, fetch, run } = work;
  const requests = batch.map((planned) => planned.request);
  const outcomes = await session.batchGet(requests, fetch.format, run.signal);
  // Every part was refused, so Gmail probably refuses the mailbox. Then it refuses the profile as well, and this
  // throws.
  if (outcomes.every(isRefused)) await work.requireServed();
  return await saveOutcomes(work, batch, outcomes);
}

async function isolate(work: FetchWork, batch: Batch, failure: GmailError): Promise<number> {
  if (batch.length === 1) {
    const outcomes = batch.map(({ request }): FetchOutcome => ({ kind: 'failed', request, error: failure }));
    return await saveOutcomes(work, batch, outcomes);
  }
  const middle = Math.ceil(batch.length / 2);
  let stored = 0;
  for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
    try {
      stored += await fetchWhole(work, half);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      stored += await isolate(work, half, error);
    }
  }
  return stored;
}

/** A part's 400 is taken for its message's own; when every part has one, it is more likely the mailbox's. */
function isRefused(outcome: FetchOutcome): boolean {
  if (outcome.kind !== 'failed') return false;
  const { kind } = outcome.error.failure;
  return kind === 'refused' || kind === 'mailbox-unavailable' || kind === 'invalid-request';
}
