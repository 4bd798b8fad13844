import { GmailError, type GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import type { MessageId } from '../model/ids.ts';
import type { PendingMessage } from '../store/fetching/fetching-store.ts';
import { afterFailure, afterMissing, afterStaleReading } from './failed-fetches.ts';
import { completeByIds, completeByRaw, type Completion } from './complete-message.ts';
import type { FetchWork } from './fetch-work.ts';
import { saveFailedFetches } from './save-failed-fetches.ts';

/** An answer that lacks attachments, and when it came: the attachments may take long to bring. */
interface Answer {
  readonly fetched: FetchedMessage;
  /** Epoch ms. */
  readonly readAt: number;
}

/**
 * Stores one message in one write, with the attachments whose bytes a RAW answer brings. Until then the message's row
 * stays pending. Attachments that Gmail does not give are left out. A failure of the message itself counts against the
 * message.
 *
 * @returns how many messages were stored
 * @throws {GmailError} any other failure
 */
export async function saveCompletedByRaw(
  work: FetchWork,
  message: PendingMessage,
  { fetched: raw, readAt }: Answer,
): Promise<number> {
  const { deps, session, fetch, run } = work;
  const { store, clock } = deps;
  const { mailbox } = fetch;
  try {
    const completion = await completeByRaw({ store, session, mailbox, signal: run.signal }, message, raw);
    const { stored, stale } = await saveCompletion(work, completion, readAt);
    const now = clock.now();
    const { fetched, missing } = completion;
    const failedFetches =
      stale.length > 0
        ? [afterStaleReading(message, now)]
        : missing === null
          ? []
          : [afterMissing({ ...message, historyId: fetched.historyId }, missing, now)];
    if (failedFetches.length > 0) await store.saveFailedFetches({ mailbox, failedFetches, now });
    return stored;
  } catch (error) {
    if (!(error instanceof GmailError)) throw error;
    const failedFetch = afterFailure(message, error.failure, clock.now());
    // This includes a rate refusal that outlasted the session's patience: the row is still due, but another get at once
    // would be refused again.
    if (failedFetch === null) throw error;
    await saveFailedFetches(work, [message], [failedFetch]);
    return 0;
  }
}

/**
 * Completes a message right after its get, by the attachment ids that the get named. If that fails, the next round's
 * RAW get completes it: the row is pending and its body held.
 *
 * @returns how many messages were stored
 */
export async function saveCompletedByIds(work: FetchWork, answer: Answer): Promise<number> {
  const { session, run } = work;
  try {
    return await session.holding(answer.fetched.sizeEstimate, () => completeFresh(work, answer), run.signal);
  } catch (error) {
    if (error instanceof GmailError && mayCompleteLater(error.failure)) return 0;
    throw error;
  }
}

async function completeFresh(work: FetchWork, { fetched: fresh, readAt }: Answer): Promise<number> {
  const { deps, session, fetch, run } = work;
  const completion = await completeByIds({ session, signal: run.signal }, fresh);
  const { stored } = await saveCompletion(work, completion, readAt);
  const { fetched, missing } = completion;
  const now = deps.clock.now();
  const failedFetches =
    missing === null ? [] : [afterMissing({ ...fetched, attempts: 0, lastError: null }, missing, now)];
  await deps.store.saveFailedFetches({ mailbox: fetch.mailbox, failedFetches, now });
  return stored;
}

function saveCompletion(
  { deps, fetch }: FetchWork,
  { fetched }: Completion,
  readAt: number,
): Promise<{ readonly stored: number; readonly stale: readonly MessageId[] }> {
  const now = deps.clock.now();
  return deps.store.saveFetched({ mailbox: fetch.mailbox, messages: [fetched], format: 'full', readAt, now });
}

/** Whether the next round may complete the message after this failure. Any other failure concerns the whole mailbox. */
function mayCompleteLater({ kind }: GmailFailure): boolean {
  switch (kind) {
    case 'not-found':
    case 'invalid-request':
    case 'refused':
    case 'mailbox-unavailable':
    case 'unavailable':
    case 'rate-limited':
      return true;
    case 'history-expired':
    case 'consent-revoked':
    case 'scope-missing':
    case 'scope-barred':
      return false;
  }
}
