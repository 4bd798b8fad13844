import type { FetchOutcome, GmailSession } from '../gmail/api/gmail-api.ts';
import type { Clock } from '../model/clock.ts';
import type { ThreadId } from '../model/ids.ts';
import type { FailedFetch, PendingMessage } from '../store/fetching/fetching-store.ts';
import { afterUnconfirmed, afterUnseen } from './failed-fetches.ts';
import { minimalGets } from './batched-gets.ts';

interface Confirmation {
  readonly session: GmailSession;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Looks for messages in their threads before they are buried. The messages' own gets have answered 404 for more than a
 * minute, and threads.get is a second, independent witness. It costs 40 units a thread, but is seldom needed, since
 * history or a listing mostly shows the deletion earlier. A message is buried only after both witnesses have agreed
 * three times in about half an hour.
 *
 * @returns the outcome for each message
 */
export async function confirmGone(
  { session, clock, signal }: Confirmation,
  messages: readonly PendingMessage[],
): Promise<FailedFetch[]> {
  const threads = [...new Set(messages.map(({ threadId }) => threadId))];
  const witnesses = new Map<ThreadId, FetchOutcome>();
  const requests = threads.map((id) => ({ kind: 'thread', id }) as const);
  for await (const answers of minimalGets(session, requests, signal))
    for (const { request, outcome } of answers) witnesses.set(request.id, outcome);
  const now = clock.now();
  return messages.map((message) => {
    const says = testimony(message, witnesses.get(message.threadId));
    return says === 'unseen' ? afterUnseen(message, now) : afterUnconfirmed(message, says, now);
  });
}

function testimony({ id }: PendingMessage, outcome: FetchOutcome | undefined): 'unseen' | 'there' | 'unknown' {
  if (outcome === undefined) return 'unknown';
  if (outcome.kind === 'failed') return outcome.error.failure.kind === 'not-found' ? 'unseen' : 'unknown';
  return outcome.messages.some((message) => message.id === id) || outcome.unreadable.has(id) ? 'there' : 'unseen';
}
