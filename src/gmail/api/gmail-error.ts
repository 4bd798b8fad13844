import type { MessageFormat } from '../../model/settings.ts';
import { TidemarkError, type TidemarkErrorOptions } from '../../model/tidemark-error.ts';

/**
 * Every answer other than success of Gmail, Google's token endpoint, or the network. The list is closed: `classify.ts`
 * maps each answer to one of these, and `activities/failures.ts` maps each of these to one outcome.
 */
export type GmailFailure =
  /** 404 of history.list: the mark is outside the range that Gmail keeps. */
  | { readonly kind: 'history-expired' }
  /** 404 of one message or thread. A single 404 is no proof of deletion, since the index lags. */
  | { readonly kind: 'not-found' }
  /** 429, or 403 with a rate reason. `retryAt` (epoch ms) when Gmail named a time. */
  | { readonly kind: 'rate-limited'; readonly limit: RateLimit; readonly retryAt: number | null }
  /**
   * 5xx, reset, time-out, truncated answer: the same call may succeed later. `detail` says what was wrong with the
   * answer without repeating it.
   */
  | { readonly kind: 'unavailable'; readonly status: number | null; readonly detail?: string }
  /**
   * 401 although the token endpoint gives tokens, 400 failedPrecondition, 404 or 410 of a call that has no such answer.
   * It names no cause that somebody could fix, and was seen to pass by itself. `by` where Google's token endpoint
   * refused a token, and Gmail was not asked.
   */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string; readonly by?: 'token endpoint' }
  /**
   * invalid_grant of the token endpoint, or a token provider's AccessRevokedError with its words in `said`: nothing
   * else proves it. Only the mailbox's owner can help. `tokenRefused` if Gmail had refused the last token before it
   * expired: then two servers agree, and neither needs to be asked again.
   */
  | { readonly kind: 'consent-revoked'; readonly said?: string; readonly tokenRefused?: true }
  /**
   * 403 insufficientPermissions: the grant lacks the scope for this call. `askFor` is a format whose consent would
   * cover it, if that is known.
   */
  | { readonly kind: 'scope-missing'; readonly askFor?: MessageFormat }
  /**
   * 403 "Metadata scope …": the granted scopes include `gmail.metadata`, under which Gmail refuses bodies and searches,
   * even with a wider scope as well. `askFor` as above.
   */
  | { readonly kind: 'scope-barred'; readonly askFor?: MessageFormat }
  /**
   * Google names a cause that somebody can fix: domainPolicy, mail service not enabled, API not enabled, unknown user.
   * Some pass by themselves.
   */
  | { readonly kind: 'mailbox-unavailable'; readonly reason: string }
  /** 400 for this call. In a batch it concerns only the one message. */
  | { readonly kind: 'invalid-request'; readonly reason: string };

/** Which limit was hit. `concurrency` asks for fewer calls at once, not for slower ones. */
export type RateLimit = 'user' | 'project' | 'concurrency' | 'daily';

/** Thrown by every failed call to Gmail. `message` is safe to log: it holds no token and no mail. */
export class GmailError extends TidemarkError {
  override readonly name = 'GmailError';
  readonly code: `gmail-${GmailFailure['kind']}`;
  readonly failure: GmailFailure;

  constructor(failure: GmailFailure, message: string, options?: TidemarkErrorOptions) {
    super(message, options);
    this.code = `gmail-${failure.kind}`;
    this.failure = failure;
  }
}
