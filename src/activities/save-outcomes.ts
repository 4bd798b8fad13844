import type { FetchOutcome } from '../gmail/api/gmail-api.ts';
import type { PlannedFetch } from '../gmail/quota/fetch-plan.ts';
import type { FetchedMessage } from '../model/change.ts';
import type { PendingMessage } from '../store/fetching/fetching-store.ts';
import { afterStaleReading } from './failed-fetches.ts';
import { isCheaperByIds } from './complete-message.ts';
import type { FetchWork } from './fetch-work.ts';
import { fetchSubstitutes } from './raw-substitute.ts';
import { saveFailedFetches } from './save-failed-fetches.ts';
import { saveCompletedByIds, saveCompletedByRaw } from './save-completed.ts';
import { sortOutcomes, worse, type SortedOutcomes } from './sort-outcomes.ts';

/**
 * Stores what a batch brought, with the attachments and the substitutes that it calls for, and notes the failures of
 * single messages.
 *
 * @returns how many messages were stored
 * @throws {GmailError} a failure that concerns the whole mailbox, after everything that arrived was stored
 */
export async function saveOutcomes(
  work: FetchWork,
  batch: readonly PlannedFetch<PendingMessage>[],
  outcomes: readonly FetchOutcome[],
): Promise<number> {
  const { deps, fetch } = work;
  const now = deps.clock.now();
  const sorted = sortOutcomes(batch, outcomes, { format: fetch.format, now });
  const messages = batch.flatMap(({ serves }) => serves);
  const { stored, incomplete } = await saveSorted(work, messages, sorted, now);
  const substitutes = sorted.rawless.length === 0 ? null : await fetchSubstitutes(work, sorted.rawless);
  let brought = stored + (substitutes?.stored ?? 0);
  for (const { message, raw } of sorted.raws)
    brought += await saveCompletedByRaw(work, message, { fetched: raw, readAt: now });
  for (const message of incomplete) brought += await saveCompletedByIds(work, { fetched: message, readAt: now });
  if (brought > 0) deps.telemetry?.add('tidemark_messages_stored_total', brought, { lane: fetch.lane });
  const interruption = (substitutes?.interruptions ?? []).reduce(worse, sorted.interruption);
  // After rate rejections inside a batch nothing is thrown: the pacer has learned, and the next batch takes the rows,
  // which are still due.
  if (interruption !== null && interruption.failure.kind !== 'rate-limited') throw interruption;
  return brought;
}

/** Stores the fetched messages, and the fetches that failed or that a stale replica answered. */
async function saveSorted(
  work: FetchWork,
  messages: readonly PendingMessage[],
  { fetched, failedFetches }: SortedOutcomes,
  now: number,
): Promise<{
  readonly stored: number;
  /** Messages whose attachments are fetched right away, by the ids that they name. */
  readonly incomplete: readonly FetchedMessage[];
}> {
  const { store, prices } = work.deps;
  const { mailbox, format } = work.fetch;
  const { stored, stale, lacking } = await store.saveFetched({ mailbox, messages: fetched, format, now });
  const staleIds = new Set(stale);
  const staleFetches = messages.filter(({ id }) => staleIds.has(id)).map((message) => afterStaleReading(message, now));
  await saveFailedFetches(work, messages, [...failedFetches, ...staleFetches]);
  const lackingIds = new Set(lacking);
  const incomplete = fetched.filter((message) => lackingIds.has(message.id) && isCheaperByIds(message, prices));
  return { stored, incomplete };
}
