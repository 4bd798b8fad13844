import type { FailedFetch, PendingMessage } from '../store/fetching/fetching-store.ts';
import { confirmGone } from './confirm-gone.ts';
import type { SeemsGone } from './failed-fetches.ts';
import type { FetchWork } from './fetch-work.ts';

/**
 * Saves failed fetches. Those of messages that seem gone are saved after the threads were asked. An attempt that dies
 * in between asks again.
 *
 * @param messages - must include the messages of the failed fetches
 */
export async function saveFailedFetches(
  { deps, session, fetch, run }: FetchWork,
  messages: readonly PendingMessage[],
  failedFetches: readonly (FailedFetch | SeemsGone)[],
): Promise<void> {
  const { store, clock } = deps;
  const { mailbox } = fetch;
  const certain = failedFetches.filter((failedFetch) => failedFetch.state !== 'seems-gone');
  if (certain.length > 0) await store.saveFailedFetches({ mailbox, failedFetches: certain, now: clock.now() });
  const seeming = new Set(failedFetches.filter(({ state }) => state === 'seems-gone').map(({ id }) => id));
  if (seeming.size === 0) return;
  const confirmed = await confirmGone(
    { session, clock, signal: run.signal },
    messages.filter(({ id }) => seeming.has(id)),
  );
  await store.saveFailedFetches({ mailbox, failedFetches: confirmed, now: clock.now() });
}
