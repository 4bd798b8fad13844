import type { GmailFailure } from '../gmail/api/gmail-error.ts';
import { NOT_FOUND, UNSEEN } from '../model/not-found.ts';
import type { FailedFetch, PendingMessage } from '../store/fetching/fetching-store.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * A new message's get answers 404 for some seconds while the index lags. History or a listing may resolve that sooner
 * than these delays.
 */
const NOT_FOUND_DELAYS = [3 * SECOND, 6 * SECOND, 12 * SECOND, 24 * SECOND, 48 * SECOND];
/**
 * Delays after the message's own gets and its thread have both answered that the message does not exist. Two endpoints
 * may fail together, so both are asked again. Only the last answer buries the message.
 */
const UNSEEN_DELAYS = [5 * MINUTE, 30 * MINUTE];
const DISPUTED = 'Gmail answers 404 for this message, although its thread shows it';
/** Delays after a call that failed while the other calls of its batch did not. */
const UNAVAILABLE_DELAYS = [1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND];
const INVALID_DELAYS = [2 * SECOND];
/**
 * A `failed` message is retried ever more rarely: some ten times within the first day, once a month in the end
 * (docs/operations.md).
 */
const RAREST = 30 * DAY;
const FAILED_DELAYS = [
  1 * MINUTE,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  6 * HOUR,
  1 * DAY,
  3 * DAY,
  7 * DAY,
  14 * DAY,
  RAREST,
];
const MISSING_DELAYS = [10 * MINUTE, 6 * HOUR, 3 * DAY, 14 * DAY, RAREST];
/**
 * Replicas agree within seconds. If they seem to disagree for longer, the message becomes `failed`, so that no full
 * sync waits for it forever.
 */
const STALE_DELAYS = [3 * SECOND, 6 * SECOND, 12 * SECOND, 24 * SECOND, 48 * SECOND];

/**
 * Gets have answered 404 for so long that the message seems gone. Nothing is saved of that before its thread is asked
 * (`confirm-gone.ts`).
 */
export interface SeemsGone extends Omit<FailedFetch, 'state'> {
  readonly state: 'seems-gone';
}

/**
 * The message's state after one more failed fetch, or null when the failure says nothing about the message itself.
 * Pure.
 */
export function afterFailure(
  message: PendingMessage,
  failure: GmailFailure,
  now: number,
): FailedFetch | SeemsGone | null {
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
      return retryOrFail(
        message,
        UNAVAILABLE_DELAYS,
        `Gmail refuses this message: ${failure.status} ${failure.reason}`,
        now,
      );
    case 'rate-limited':
    case 'consent-revoked':
    case 'scope-missing':
    case 'scope-barred':
    case 'history-expired':
      return null;
  }
}

/** How many of a message's attachments Gmail does not give. */
export interface MissingAttachments {
  readonly missing: number;
  readonly count: number;
  /** Why the first of them is missing. */
  readonly failure: GmailFailure;
}

/** A message whose answer lacked something. */
type PartlyAnsweredMessage = Pick<PendingMessage, 'id' | 'historyId' | 'attempts' | 'lastError'>;

/**
 * The state of a message of which Gmail does not give all attachments. The message is stored without the missing ones,
 * which are asked for again ever more rarely, at one get each time.
 */
export function afterMissing(
  message: PartlyAnsweredMessage,
  { missing, count, failure }: MissingAttachments,
  now: number,
): FailedFetch {
  return afterLacking(
    message,
    { error: `${missing} of ${count} attachments: ${reasonOf(failure)}`, isSame: (error) => ATTACHMENTS.test(error) },
    now,
  );
}

const ATTACHMENTS = /^\d+ of \d+ attachments: /;

/**
 * The state of a message that is stored as FULL because Gmail gave no raw, and whose raw Gmail has again not given. The
 * raw is asked for again ever more rarely, at one get each time.
 *
 * @param refusal - the failure of the get of its raw; null when it was answered without one
 */
export function afterNoRaw(message: PartlyAnsweredMessage, refusal: GmailFailure | null, now: number): FailedFetch {
  const why = refusal === null ? 'the answer has no usable raw' : `the get of its raw fails (${reasonOf(refusal)})`;
  return afterLacking(message, { error: `${STANDS_IN}${why}`, isSame: (error) => error.startsWith(STANDS_IN) }, now);
}

const STANDS_IN = 'stored as full: ';

/**
 * Counts only earlier answers that lacked the same thing. If failures of other kinds counted, too, one odd answer would
 * put the next attempt off for days.
 */
function afterLacking(
  message: PartlyAnsweredMessage,
  { error, isSame }: { readonly error: string; readonly isSame: (error: string) => boolean },
  now: number,
): FailedFetch {
  const counted = message.lastError !== null && isSame(message.lastError) ? message : { ...message, attempts: 0 };
  return failedFetch(counted, 'failed', error, now + (MISSING_DELAYS[counted.attempts] ?? RAREST));
}

/** Whether a failed messages.attachments.get concerns only that attachment, not Gmail or the mailbox. */
export function isOfAttachment(failure: GmailFailure): boolean {
  if (failure.kind === 'unavailable') return failure.detail !== undefined && failure.status === 200;
  return failure.kind === 'not-found' || failure.kind === 'invalid-request' || failure.kind === 'refused';
}

function reasonOf(failure: GmailFailure): string {
  switch (failure.kind) {
    case 'unavailable':
      return (
        failure.detail ??
        (failure.status === null
          ? 'no answer'
          : failure.status < 400
            ? `no usable answer (HTTP ${failure.status})`
            : `Gmail answers ${failure.status}`)
      );
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

/**
 * The get's answer was older than the row, so it came from a stale replica. If that persists, the message is retried
 * ever more rarely, like any message that fails.
 */
export function afterStaleReading(message: PendingMessage, now: number): FailedFetch {
  return retryOrFail(
    message,
    STALE_DELAYS,
    'Gmail answers an older state of this message than its history has shown',
    now,
  );
}

/**
 * Only 404s in a row make a message seem gone, since a single one may come from a lagging replica. Any other failure
 * restarts the count.
 */
function afterNotFound(message: PendingMessage, now: number): FailedFetch | SeemsGone {
  if (message.lastError === DISPUTED || message.lastError === UNSEEN)
    return failedFetch(message, 'seems-gone', NOT_FOUND, now);
  const counted = message.lastError === NOT_FOUND ? message : { ...message, attempts: 0 };
  const delay = NOT_FOUND_DELAYS[counted.attempts];
  if (delay === undefined) return failedFetch(counted, 'seems-gone', NOT_FOUND, now);
  return failedFetch(counted, 'pending', NOT_FOUND, now + delay);
}

/**
 * Neither the message's own gets nor its thread show the message. Only after the last delay is it gone. Mostly, history
 * or a listing shows sooner that it was deleted.
 */
export function afterUnseen(message: PendingMessage, now: number): FailedFetch {
  const counted = message.lastError === UNSEEN ? message : { ...message, attempts: 0 };
  const delay = UNSEEN_DELAYS[counted.attempts];
  return delay === undefined
    ? failedFetch(counted, 'gone', UNSEEN, now)
    : failedFetch(counted, 'unseen', UNSEEN, now + delay);
}

/**
 * The message's own gets answer 404. A message that its thread shows counts as a failing message and is retried ever
 * more rarely. If the thread gave no answer, the message and its thread are asked again.
 */
export function afterUnconfirmed(message: PendingMessage, thread: 'there' | 'unknown', now: number): FailedFetch {
  if (thread === 'there') return retryOrFail(message, NOT_FOUND_DELAYS, DISPUTED, now);
  return {
    ...failedFetch(message, 'pending', message.lastError ?? NOT_FOUND, now + 48 * SECOND),
    attempts: message.attempts,
  };
}

function retryOrFail(message: PendingMessage, delays: readonly number[], error: string, now: number): FailedFetch {
  const delay = delays[message.attempts];
  if (delay !== undefined) return failedFetch(message, 'pending', error, now + delay);
  return failedFetch(message, 'failed', error, now + (FAILED_DELAYS[message.attempts - delays.length] ?? RAREST));
}

function failedFetch<State extends (FailedFetch | SeemsGone)['state']>(
  message: Pick<PendingMessage, 'id' | 'historyId' | 'attempts'>,
  state: State,
  error: string,
  nextAttemptAt: number,
): Omit<FailedFetch, 'state'> & { readonly state: State } {
  return { id: message.id, asOf: message.historyId, state, attempts: message.attempts + 1, error, nextAttemptAt };
}
