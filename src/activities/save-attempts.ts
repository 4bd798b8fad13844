import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { MailboxId } from '../model/ids.ts';
import type { FetchingStore, FetchAttempt, PendingMessage } from '../store/fetching/fetching-store.ts';
import type { SeemsGone } from './attempts.ts';
import { confirmGone } from './confirm-gone.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';

interface FailedFetch {
  readonly deps: ActivityDependencies<FetchingStore>;
  readonly session: GmailSession;
  readonly fetch: { readonly mailbox: MailboxId };
  readonly run: ActivityRun;
}

/**
 * Saves the outcomes of failed fetches. Messages that seem gone are saved after their threads were asked. An attempt
 * that dies in between asks again.
 *
 * @param messages - must include the messages of the attempts
 */
export async function saveAttempts(
  { deps, session, fetch, run }: FailedFetch,
  messages: readonly PendingMessage[],
  attempts: readonly (FetchAttempt | SeemsGone)[],
): Promise<void> {
  const { store, clock } = deps;
  const { mailbox } = fetch;
  const certain = attempts.filter((attempt) => attempt.state !== 'seems-gone');
  if (certain.length > 0) await store.saveAttempts({ mailbox, attempts: certain, now: clock.now() });
  const seeming = new Set(attempts.filter(({ state }) => state === 'seems-gone').map(({ id }) => id));
  if (seeming.size === 0) return;
  const confirmed = await confirmGone(
    { session, clock, signal: run.signal },
    messages.filter(({ id }) => seeming.has(id)),
  );
  await store.saveAttempts({ mailbox, attempts: confirmed, now: clock.now() });
}
