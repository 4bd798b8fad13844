import type { GmailError, GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import { CHAT } from '../model/ids.ts';
import type { FailedFetch, PendingMessage } from '../store/fetching/fetching-store.ts';
import { getApart, isOfMailbox, messageRequests } from './batched-gets.ts';
import { afterFailure, afterNoRaw, afterStaleReading, type SeemsGone } from './failed-fetches.ts';
import type { FetchWork } from './fetch-work.ts';
import { saveFailedFetches } from './save-failed-fetches.ts';

/** A RAW answer without a usable `raw`. */
const NO_RAW = {
  kind: 'unavailable',
  status: 200,
  detail: 'the answer has no usable raw',
} as const satisfies GmailFailure;

/**
 * What follows a RAW answer without a usable `raw`. FULL stands in for it: at once for chats, which never have a raw;
 * for any other message after two such answers in a row, and its raw is asked for again later.
 */
export function afterRawless(
  message: PendingMessage,
  raw: FetchedMessage,
  now: number,
): 'stands-in' | FailedFetch | SeemsGone | null {
  if (raw.labelIds.includes(CHAT)) return 'stands-in';
  if (message.standsIn) return afterNoRaw(message, null, now);
  return message.lastError === NO_RAW.detail ? 'stands-in' : afterFailure(message, NO_RAW, now);
}

/** A message of which FULL is to stand in for the raw. */
export interface Rawless {
  readonly message: PendingMessage;
  /**
   * Why the get of its raw fails, and what becomes of the message if FULL fails as well. null when Gmail answered
   * without a usable raw.
   */
  readonly refusal: { readonly failure: GmailFailure; readonly failedFetch: FailedFetch } | null;
}

/** Whether Gmail refuses the raw of this message, and may give another form of it. */
export const isRefusal = (failure: GmailFailure): boolean => failure.kind !== 'not-found' && !isOfMailbox(failure);

/**
 * Stores messages without a raw in FULL form, so that they are readable, and notes the missing raw. That costs one more
 * get each. If an attempt dies before it has written when to ask for the raw again, the store decides when. A message
 * whose FULL form fails, too, is as the get of its raw left it.
 *
 * @returns how many were stored, and the failures that did not concern a single message
 * @throws {GmailError} during an outage, and when Gmail refuses the batch
 */
export async function fetchSubstitutes(
  work: FetchWork,
  rawless: readonly Rawless[],
): Promise<{ readonly stored: number; readonly interruptions: readonly GmailError[] }> {
  const { deps, session, fetch, run } = work;
  const { store, clock } = deps;
  const messages = rawless.map(({ message }) => message);
  const outcomes = await getApart(session, messageRequests(messages.map(({ id }) => id)), 'full', run.signal);
  const fetched: FetchedMessage[] = [];
  const failedFetches: (FailedFetch | SeemsGone)[] = [];
  const interruptions: GmailError[] = [];
  for (const [index, { message, refusal }] of rawless.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) continue;
    if (outcome.kind === 'fetched') {
      fetched.push(...outcome.messages.map((message) => ({ ...message, lacks: 'raw' as const })));
      continue;
    }
    const failedFetch = afterFailure(message, outcome.error.failure, clock.now());
    if (failedFetch === null) interruptions.push(outcome.error);
    else failedFetches.push(refusal?.failedFetch ?? failedFetch);
  }
  const { stored, stale } = await store.saveFetched({
    mailbox: fetch.mailbox,
    messages: fetched,
    format: 'full',
    now: clock.now(),
  });
  const staleIds = new Set(stale);
  failedFetches.push(
    ...messages.filter(({ id }) => staleIds.has(id)).map((message) => afterStaleReading(message, clock.now())),
  );
  // A chat's raw is never asked for again, so the store ignores this of a chat.
  const failures = new Map(rawless.map(({ message, refusal }) => [message.id, refusal?.failure ?? null]));
  failedFetches.push(
    ...fetched
      .filter(({ id }) => !staleIds.has(id))
      .map((message) =>
        afterNoRaw({ ...message, attempts: 0, lastError: null }, failures.get(message.id) ?? null, clock.now()),
      ),
  );
  await saveFailedFetches(work, messages, failedFetches);
  return { stored, interruptions };
}
