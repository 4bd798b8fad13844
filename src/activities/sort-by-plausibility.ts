import type { FetchOutcome } from '../gmail/api/gmail-api.ts';
import type { GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import type { PendingMessage } from '../store/fetching/fetching-store.ts';

/**
 * Decides which fetched messages are believed. A message from which a value was left out is believed when the previous
 * answer had the same fault. Until then, the answer counts as a failure of the message. A faulty message that a thread
 * merely brought along is dropped.
 *
 * @returns `failures`: by message id, what is wrong with the others
 */
export function sortByPlausibility(
  asked: readonly PendingMessage[],
  { messages, unreadable }: Extract<FetchOutcome, { kind: 'fetched' }>,
): { readonly believed: readonly FetchedMessage[]; readonly failures: ReadonlyMap<string, GmailFailure> } {
  const lastErrors = new Map<string, string | null>(asked.map(({ id, lastError }) => [id, lastError]));
  const failures = new Map<string, GmailFailure>([...unreadable].map(([id, { failure }]) => [id, failure]));
  const believed = messages.filter(({ id, leftOut }) => {
    if (leftOut === undefined || lastErrors.get(id) === leftOut) return true;
    failures.set(id, { kind: 'unavailable', status: 200, detail: leftOut });
    return false;
  });
  return { believed, failures };
}
