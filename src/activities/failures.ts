import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { GmailError, type GmailFailure } from '../gmail/api/gmail-error.ts';
import { refusalCause } from '../gmail/api/refusal-cause.ts';
import { grantRemedy } from '../gmail/access/scopes.ts';
import type { FailureType } from '../model/failure-type.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import { SecretKeyError } from '../secrets/secret-box.ts';
import { StoreError } from '../store/engines/store-error.ts';
import { NotConnectedError } from './dependencies.ts';
import { ForeignDatabaseError, otherDatabaseText } from './require-database.ts';
import { OtherAccountError, otherAccountRemedy, otherAccountText } from './require-account.ts';
import { UnknownLabelError, unknownLabelText } from './require-labels.ts';

/**
 * What follows a failure. Only this file turns errors of Gmail and the store into Temporal's failures; docs/errors.md
 * has a paragraph on each.
 */
export interface FailureOutcome {
  readonly type: FailureType;
  /**
   * `retry`: Temporal tries again with growing delays; `wait`: Temporal tries again at `until`; `stop`: the workflow
   * decides.
   */
  readonly next:
    { readonly kind: 'retry' } | { readonly kind: 'wait'; readonly until: number } | { readonly kind: 'stop' };
  /**
   * What happened, and to which mailbox, for a person, who may be a product's customer: nothing private, no commands.
   */
  readonly message: string;
  /** What a person can do; absent when nothing needs to be done. */
  readonly remedy?: Remedy | null;
}

const DAY = 24 * 60 * 60 * 1_000;
/** Wait after a rate rejection that names no time. The session has already waited, so the minute is nearly over. */
const RATE_WAIT = 30_000;
/** Wait after a daily limit. A cap set by the project's owner ends with the Pacific day; asking hourly finds out. */
const DAILY_WAIT = 60 * 60 * 1_000;

/** @returns null for an unforeseen error, which is rethrown as it is, so that Temporal retries it */
export function outcomeOf(error: unknown, mailbox: MailboxId, now: number): FailureOutcome | null {
  if (error instanceof NotConnectedError)
    return stopped('MailboxNotConnected', `${mailbox} has no credentials`, { kind: 'connect', mailbox });
  if (error instanceof OtherAccountError)
    return stopped('OtherAccount', otherAccountText(mailbox, error), otherAccountRemedy(mailbox, error));
  if (error instanceof ForeignDatabaseError)
    return stopped('OtherDatabase', otherDatabaseText(mailbox), { kind: 'take-place', mailbox, resumes: true });
  if (error instanceof UnknownLabelError)
    return stopped('MailboxUnavailable', unknownLabelText(mailbox, error), { kind: 'correct-labels', mailbox });
  // Retried: another worker may have the key, and this worker reads the source of its keys again.
  if (error instanceof SecretKeyError)
    return { type: 'CredentialsUnreadable', next: { kind: 'retry' }, message: error.message, remedy: error.remedy };
  if (error instanceof StoreError) return outcomeOfStore(error);
  if (error instanceof GmailError) return outcomeOfGmail(error, mailbox, now);
  return null;
}

function outcomeOfStore(error: StoreError): FailureOutcome {
  if (error.failure.kind === 'lost')
    return { type: 'StoreLost', next: { kind: 'stop' }, message: error.message, remedy: error.remedy };
  return {
    type: 'StoreUnavailable',
    next: { kind: 'retry' },
    message: `${error.message} Trying again`,
    remedy: error.remedy,
  };
}

function outcomeOfGmail(error: GmailError, mailbox: MailboxId, now: number): FailureOutcome {
  const { failure } = error;
  const askAgain = { kind: 'ask-again', mailbox, orConnect: false } as const;
  switch (failure.kind) {
    case 'history-expired':
      return {
        type: 'HistoryExpired',
        next: { kind: 'stop' },
        message: `Gmail no longer keeps the history of ${mailbox} back to the mark: recovering by listings`,
      };
    case 'rate-limited': {
      const until = failure.retryAt ?? now + (failure.limit === 'daily' ? DAILY_WAIT : RATE_WAIT);
      const at = new Date(Math.min(Math.max(until, now + 1_000), now + DAY));
      return {
        type: 'RateLimited',
        next: { kind: 'wait', until: at.getTime() },
        message: `Gmail's ${failure.limit} limit is reached for ${mailbox}: waiting until ${at.toISOString()}`,
      };
    }
    case 'unavailable':
    case 'not-found':
      return {
        type: 'GmailUnreachable',
        next: { kind: 'retry' },
        message: `${error.message.replace(/\.$/, '')}; trying again`,
      };
    case 'refused':
      return stopped('MailboxUnavailable', refusedText(mailbox, failure), {
        ...askAgain,
        orConnect: failure.status === 401 || failure.by !== undefined,
      });
    case 'consent-revoked':
      // `said` is a token provider's. With a provider, no mailbox has credentials here that could be connected again.
      return stopped(
        'ConsentRevoked',
        revokedText(mailbox, failure),
        failure.said === undefined ? { kind: 'connect', mailbox } : askAgain,
      );
    case 'scope-missing':
    case 'scope-barred':
      return stopped('ConsentRevoked', error.message, grantRemedy(mailbox, failure, { orLess: true }));
    case 'mailbox-unavailable':
      return stopped(
        'MailboxUnavailable',
        `Gmail does not serve ${mailbox}: ${refusalCause(failure.reason)}`,
        askAgain,
      );
    case 'invalid-request':
      return stopped(
        'MailboxUnavailable',
        `Gmail calls a request for ${mailbox} invalid (${failure.reason}). If that goes on, ` +
          "report it with the worker's log",
        askAgain,
      );
  }
}

const stopped = (type: FailureType, message: string, remedy: Remedy): FailureOutcome => ({
  type,
  next: { kind: 'stop' },
  message,
  remedy,
});

function revokedText(mailbox: MailboxId, { said }: Extract<GmailFailure, { kind: 'consent-revoked' }>): string {
  if (said !== undefined)
    return (
      `the token provider says that the access to ${mailbox} was revoked (${said}). Have its owner consent again; ` +
      'the mailbox goes on once the provider gives tokens'
    );
  return (
    `Google no longer accepts the credentials of ${mailbox}: the grant was revoked or has expired, ` +
    `or the service account's key was deleted. Its owner has to consent again, or it needs a new key`
  );
}

/** A refused token is treated as any other refusal, since only the token endpoint can say that a grant has ended. */
function refusedText(mailbox: MailboxId, { status, reason, by }: Extract<GmailFailure, { kind: 'refused' }>): string {
  if (by !== undefined)
    return (
      `Google gives no access token for ${mailbox} (HTTP ${status} ${reason}) and names no cause, ` +
      'which mostly passes'
    );
  return status === 401
    ? `Gmail refuses ${mailbox} (HTTP 401 ${reason}) with a new access token, too, which mostly passes`
    : `Gmail refuses ${mailbox} (HTTP ${status} ${reason}) and names no cause, which mostly passes`;
}

/**
 * The outcome as Temporal's failure. Waiting is benign: it is not an error in metrics and does not grow the history.
 */
export function toApplicationFailure(outcome: FailureOutcome, now: number): ApplicationFailure {
  const { type, message, next, remedy = null } = outcome;
  const details = remedy === null ? [] : [remedy];
  switch (next.kind) {
    case 'retry':
      return ApplicationFailure.create({ type, message, details });
    case 'wait':
      return ApplicationFailure.create({
        type,
        message,
        nextRetryDelay: next.until - now,
        category: ApplicationFailureCategory.BENIGN,
      });
    case 'stop':
      return ApplicationFailure.create({ type, message, details, nonRetryable: true });
  }
}
