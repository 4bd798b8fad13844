import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { GmailError, GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import { CHAT, type MailboxId } from '../model/ids.ts';
import type { FetchingStore, FetchAttempt, PendingMessage } from '../store/fetching/fetching-store.ts';
import { afterFailure, afterNoRaw, afterStaleReading } from './attempts.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { saveAttempts } from './save-attempts.ts';

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
): 'stands-in' | FetchAttempt | null {
  if (raw.labelIds.includes(CHAT)) return 'stands-in';
  if (message.standsIn) return afterNoRaw(message, now);
  return message.lastError === NO_RAW.detail ? 'stands-in' : afterFailure(message, NO_RAW, now);
}

interface Substitution {
  readonly deps: ActivityDependencies<FetchingStore>;
  readonly session: GmailSession;
  readonly fetch: { readonly mailbox: MailboxId };
  readonly run: ActivityRun;
}

/**
 * Stores messages without a raw in FULL form, so that they are readable, and notes the missing raw. That costs one more
 * get each. If an attempt dies before it has written when to ask for the raw again, the store decides when.
 *
 * @returns how many were stored, and the failures that did not concern a single message
 * @throws {GmailError} when the whole batch failed
 */
export async function fetchSubstitutes(
  { deps, session, fetch, run }: Substitution,
  messages: readonly PendingMessage[],
): Promise<{ readonly stored: number; readonly interruptions: readonly GmailError[] }> {
  const { store, clock } = deps;
  const outcomes = await session.batchGet(
    messages.map(({ id }) => ({ kind: 'message', id })),
    'full',
    run.signal,
  );
  const fetched: FetchedMessage[] = [];
  const attempts: FetchAttempt[] = [];
  const interruptions: GmailError[] = [];
  for (const [index, message] of messages.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) continue;
    if (outcome.kind === 'fetched') {
      fetched.push(...outcome.messages.map((message) => ({ ...message, lacks: 'raw' as const })));
      continue;
    }
    const attempt = afterFailure(message, outcome.error.failure, clock.now());
    if (attempt === null) interruptions.push(outcome.error);
    else attempts.push(attempt);
  }
  const { stored, stale } = await store.saveFetched({
    mailbox: fetch.mailbox,
    messages: fetched,
    format: 'full',
    now: clock.now(),
  });
  const staleIds = new Set(stale);
  attempts.push(
    ...messages.filter(({ id }) => staleIds.has(id)).map((message) => afterStaleReading(message, clock.now())),
  );
  // A chat's raw is never asked for again, so the store ignores its attempt.
  attempts.push(
    ...fetched
      .filter(({ id }) => !staleIds.has(id))
      .map((message) => afterNoRaw({ ...message, attempts: 0, lastError: null }, clock.now())),
  );
  await saveAttempts({ deps, session, fetch, run }, messages, attempts);
  return { stored, interruptions };
}
