import type { GmailSession } from '../gmail/gmail-api.ts';
import type { GmailError, GmailFailure } from '../gmail/gmail-error.ts';
import type { Reading } from '../model/change.ts';
import { labelId, type MailboxId } from '../model/ids.ts';
import type { FetchAttempt, PendingMessage } from '../store/mailbox-store.ts';
import { afterFailure, afterStaleReading } from './attempts.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { saveAttempts } from './save-attempts.ts';

const CHAT = labelId('CHAT');

/** A RAW answer without a usable `raw`. */
export const NO_RAW = { kind: 'unavailable', status: 200, detail: 'the answer has no usable raw' } as const satisfies GmailFailure;

/** Whether FULL stands in for the RAW that a message lacks: at once for chats, which have none; for any other when it lacks it twice in a row. */
export const standsIn = (message: PendingMessage, raw: Reading): boolean => raw.labelIds.includes(CHAT) || message.lastError === NO_RAW.detail;

interface Substitution {
  readonly deps: ActivityDependencies;
  readonly session: GmailSession;
  readonly fetch: { readonly mailbox: MailboxId };
  readonly run: ActivityRun;
}

/**
 * Stores messages of which Gmail has no raw in the FULL form, marked as lacking it: they can be read, and cost no more. Each takes one get more.
 *
 * @returns how many were stored, and what ended the batch for others than the message itself
 * @throws {GmailError} when none of them was answered
 */
export async function fetchSubstitutes({ deps, session, fetch, run }: Substitution, messages: readonly PendingMessage[]): Promise<{ readonly stored: number; readonly interruptions: readonly GmailError[] }> {
  const { store, clock } = deps;
  const outcomes = await session.batchGet(messages.map(({ id }) => ({ kind: 'message', id })), 'full', run.signal);
  const readings: Reading[] = [];
  const attempts: FetchAttempt[] = [];
  const interruptions: GmailError[] = [];
  for (const [index, message] of messages.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) continue;
    if (outcome.kind === 'fetched') {
      readings.push(...outcome.readings.map((reading) => ({ ...reading, lacks: 'raw' as const })));
      continue;
    }
    const attempt = afterFailure(message, outcome.error.failure, clock.now());
    if (attempt === null) interruptions.push(outcome.error);
    else attempts.push(attempt);
  }
  const { stored, stale } = await store.saveReadings({ mailbox: fetch.mailbox, readings, format: 'full', now: clock.now() });
  const staleIds = new Set(stale);
  attempts.push(...messages.filter(({ id }) => staleIds.has(id)).map((message) => afterStaleReading(message, clock.now())));
  await saveAttempts({ deps, session, fetch, run }, messages, attempts);
  return { stored, interruptions };
}
