import type { GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchAttempt, PendingMessage } from '../store/fetching/fetching-store.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A fresh message's get answers 404 for some seconds while the index lags: history or a listing settles it, or this much time. */
const NOT_FOUND_DELAYS = [3 * SECOND, 6 * SECOND, 12 * SECOND, 24 * SECOND, 48 * SECOND];
const NOT_FOUND = 'not found';
const DISPUTED = 'Gmail answers 404 for this message, although its thread shows it';
/** A call that failed in itself, while its neighbours did not. */
const UNAVAILABLE_DELAYS = [1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND];
const INVALID_DELAYS = [2 * SECOND];
/** A message that is `failed` is tried again by itself, ever more rarely: some ten times within its first day, once a month in the end (docs/operations.md). */
const RAREST = 30 * DAY;
const FAILED_DELAYS = [1 * MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 1 * DAY, 3 * DAY, 7 * DAY, 14 * DAY, RAREST];
const MISSING_DELAYS = [10 * MINUTE, 6 * HOUR, 3 * DAY, 14 * DAY, RAREST];
/** Replicas agree within seconds. Where they seem not to for longer, the message is `failed`, so that no full sync waits for it for ever. */
const STALE_DELAYS = [3 * SECOND, 6 * SECOND, 12 * SECOND, 24 * SECOND, 48 * SECOND];

/** What one more failed fetch makes of a message. Pure. `null` when the failure says nothing about the message itself. */
export function afterFailure(message: PendingMessage, failure: GmailFailure, now: number): FetchAttempt | null {
  switch (failure.kind) {
    case 'not-found':
      return afterNotFound(message, now);
    case 'invalid-request':
      return retryOrFail(message, INVALID_DELAYS, `Gmail refuses this message: ${failure.reason}`, now);
    case 'mailbox-unavailable':
      return retryOrFail(message, INVALID_DELAYS, `Gmail refuses this message: ${failure.reason}`, now);
    case 'unavailable':
      return retryOrFail(message, UNAVAILABLE_DELAYS, reasonOf(failure), now);
    case 'refused':
      return retryOrFail(message, UNAVAILABLE_DELAYS, `Gmail refuses this message: ${failure.status} ${failure.reason}`, now);
    case 'rate-limited':
    case 'consent-revoked':
    case 'scope-missing':
    case 'scope-barred':
    case 'history-expired':
      return null;
  }
}

/** What Gmail gives of a message's attachments, and does not. */
export interface MissingAttachments {
  readonly missing: number;
  readonly count: number;
  /** Why the first of them is missing. */
  readonly failure: GmailFailure;
}

/** What is known of a message whose answer lacked something. */
type LackingMessage = Pick<PendingMessage, 'id' | 'historyId' | 'attempts' | 'lastError'>;

/** A message whose attachments Gmail does not give, or not all: the rest is stored, and they are asked for again, ever more rarely. Each time costs as many gets. */
export function afterMissing(message: LackingMessage, { missing, count, failure }: MissingAttachments, now: number): FetchAttempt {
  return afterLacking(message, { error: `${missing} of ${count} attachments: ${reasonOf(failure)}`, isSame: (error) => ATTACHMENTS.test(error) }, now);
}

const ATTACHMENTS = /^\d+ of \d+ attachments: /;

/** A message that is stored in full for want of its raw, which Gmail did not give this time either: it is asked for again, ever more rarely, for one get. */
export function afterNoRaw(message: LackingMessage, now: number): FetchAttempt {
  return afterLacking(message, { error: NO_RAW, isSame: (error) => error === NO_RAW }, now);
}

const NO_RAW = 'stored as full: the answer has no usable raw';

/** Only answers that lacked the same count: what failed before in another way would put the next question off for days after a single odd answer. */
function afterLacking(message: LackingMessage, { error, isSame }: { readonly error: string; readonly isSame: (error: string) => boolean }, now: number): FetchAttempt {
  const counted = message.lastError !== null && isSame(message.lastError) ? message : { ...message, attempts: 0 };
  return attempt(counted, 'failed', error, now + (MISSING_DELAYS[counted.attempts] ?? RAREST));
}

/** Whether a failed messages.attachments.get is about that attachment, not about Gmail or the mailbox. */
export function isOfAttachment(failure: GmailFailure): boolean {
  if (failure.kind === 'unavailable') return failure.detail !== undefined && failure.status === 200;
  return failure.kind === 'not-found' || failure.kind === 'invalid-request' || failure.kind === 'refused';
}

function reasonOf(failure: GmailFailure): string {
  switch (failure.kind) {
    case 'unavailable':
      return failure.detail ?? (failure.status === null ? 'no answer' : failure.status < 400 ? `no usable answer (HTTP ${failure.status})` : `Gmail answers ${failure.status}`);
    case 'invalid-request':
    case 'mailbox-unavailable':
      return `Gmail refuses: ${failure.reason}`;
    case 'refused':
      return `Gmail refuses: ${failure.status} ${failure.reason}`;
    case 'not-found':
      return NOT_FOUND;
    case 'rate-limited':
    case 'consent-revoked':
    case 'scope-missing':
    case 'scope-barred':
    case 'history-expired':
      return failure.kind;
  }
}

/** A get that was older than what is known came from a stale replica; one that stays so is asked ever more rarely, as any message that fails. */
export function afterStaleReading(message: PendingMessage, now: number): FetchAttempt {
  return retryOrFail(message, STALE_DELAYS, 'Gmail answers an older state of this message than its history has told', now);
}

/**
 * Only answers of 404 in a row make a message look gone: after a failure of another kind they are counted anew, for one alone may be a replica's. Its thread
 * is asked before it is buried (`confirm-gone.ts`).
 */
function afterNotFound(message: PendingMessage, now: number): FetchAttempt {
  if (message.lastError === DISPUTED) return buried(message, now);
  const counted = message.lastError === NOT_FOUND ? message : { ...message, attempts: 0 };
  const delay = NOT_FOUND_DELAYS[counted.attempts];
  if (delay === undefined) return buried(counted, now);
  return attempt(counted, 'pending', NOT_FOUND, now + delay);
}

export function buried(message: PendingMessage, now: number): FetchAttempt {
  return attempt(message, 'gone', 'not found for more than a minute, nor in its thread', now);
}

/** Its own gets say 404. Where its thread shows it, it is a message that fails, asked ever more rarely; where the thread was not answered, both are asked again. */
export function afterUnconfirmed(message: PendingMessage, thread: 'there' | 'unknown', now: number): FetchAttempt {
  if (thread === 'there') return retryOrFail(message, NOT_FOUND_DELAYS, DISPUTED, now);
  return { ...attempt(message, 'pending', message.lastError ?? NOT_FOUND, now + 48 * SECOND), attempts: message.attempts };
}

function retryOrFail(message: PendingMessage, delays: readonly number[], error: string, now: number): FetchAttempt {
  const delay = delays[message.attempts];
  if (delay !== undefined) return attempt(message, 'pending', error, now + delay);
  return attempt(message, 'failed', error, now + (FAILED_DELAYS[message.attempts - delays.length] ?? RAREST));
}

function attempt(message: Pick<PendingMessage, 'id' | 'historyId' | 'attempts'>, state: FetchAttempt['state'], error: string, nextAttemptAt: number): FetchAttempt {
  return { id: message.id, asOf: message.historyId, state, attempts: message.attempts + 1, error, nextAttemptAt };
}
