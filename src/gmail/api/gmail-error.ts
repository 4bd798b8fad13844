import type { MessageFormat } from '../../model/settings.ts';

/**
 * Everything that Gmail, Google's token endpoint or the way to them can answer other than success.
 * Closed: each answer is mapped to one of these in `classify.ts`, and each of these to one outcome in `activities/failures.ts`.
 */
export type GmailFailure =
  /** 404 of history.list: the mark is outside the range that Gmail keeps. */
  | { readonly kind: 'history-expired' }
  /** 404 of one message or thread. One of these is no proof of deletion: the index lags. */
  | { readonly kind: 'not-found' }
  /** 429, or 403 with a rate reason. `retryAt` (epoch ms) when Gmail named a time. */
  | { readonly kind: 'rate-limited'; readonly limit: RateLimit; readonly retryAt: number | null }
  /** 5xx, reset, time-out, truncated answer: the same call may succeed later. `detail` says what was wrong with the answer, and holds nothing of it. */
  | { readonly kind: 'unavailable'; readonly status: number | null; readonly detail?: string }
  /**
   * 401 although the token endpoint gives tokens, 400 failedPrecondition, 404 or 410 of a call that has no such answer: it says nothing that somebody
   * could mend, and was seen to pass by itself.
   */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  /** invalid_grant of the token endpoint, which alone can say it: only the mailbox's owner can help. */
  | { readonly kind: 'consent-revoked' }
  /** 403 insufficientPermissions: the grant lacks the scope for this call. `askFor` is a format whose consent would cover it, where that is known. */
  | { readonly kind: 'scope-missing'; readonly askFor?: MessageFormat }
  /**
   * 403 "Metadata scope …": `gmail.metadata` is among the granted scopes, and under it Gmail refuses bodies and searches, whatever wider scope was
   * granted beside it. `askFor` as above.
   */
  | { readonly kind: 'scope-barred'; readonly askFor?: MessageFormat }
  /** Google names a cause that somebody can mend: domainPolicy, mail service not enabled, API not enabled, unknown user. Some pass by themselves. */
  | { readonly kind: 'mailbox-unavailable'; readonly reason: string }
  /** 400 for this very call. For one message: it is poisonous, its neighbours are not. */
  | { readonly kind: 'invalid-request'; readonly reason: string };

/** Which limit was met. `concurrency` says nothing about the rate: fewer calls at once, not slower ones. */
export type RateLimit = 'user' | 'project' | 'concurrency' | 'daily';

/** Thrown by every call of `gmail` that did not succeed. `message` is safe to log: no token, no mail. */
export class GmailError extends Error {
  override readonly name = 'GmailError';
  readonly failure: GmailFailure;

  constructor(failure: GmailFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}
