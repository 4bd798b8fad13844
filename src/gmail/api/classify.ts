import type { MailboxId } from '../../model/ids.ts';
import type { GmailMethod } from '../../model/prices.ts';
import { jsonOf } from '../../model/json-of.ts';
import { GmailError, type GmailFailure, type RateLimit } from './gmail-error.ts';
import { refusalCause } from './refusal-cause.ts';
import { ResponseTooLargeError } from './transport.ts';

/** A request to Google: a method of the API, the multipart request around a batch, or the token endpoint. */
export type SentMethod = GmailMethod | 'batch' | 'token';

/** The call: a request to Google, or the question to the product that keeps the tokens. */
export type CalledMethod = SentMethod | 'tokenProvider';

/**
 * The `detail` of an `unavailable` when the token endpoint refuses the time in a service account's request, which comes
 * from this machine's clock.
 */
export const WRONG_CLOCK =
  "Google finds the service account's request too old, or not valid yet: " +
  "look at this machine's clock, and set it by NTP";

/**
 * The reason of an `invalid-request` when Gmail does not accept the page token. The listing then begins again from its
 * top.
 */
export const INVALID_PAGE_TOKEN = 'invalidPageToken';

/**
 * Classifies an answer other than success.
 *
 * @param method - the call: 404 and 400 mean different things for a listing and for a get
 * @param status - HTTP status of the answer, or of one part of a batch
 * @param body - the answer as text. Google's answers are JSON; any other text came from something on the way
 * @see https://developers.google.com/workspace/gmail/api/guides/handle-errors
 */
export function classify(method: CalledMethod, status: number, body: string): GmailFailure {
  if (status < 400 || status === 408 || status === 409 || status >= 500) return { kind: 'unavailable', status };
  const answer = parseAnswer(body);
  // Google's front end also sends 429 as HTML. Any other refusal that is not Google's JSON comes from a proxy and says
  // nothing about the mailbox.
  if (answer === null) return status === 429 ? rateLimited(body) : { kind: 'unavailable', status };
  if (method === 'token') return classifyToken(status, answer, body);
  switch (status) {
    case 400:
      return classifyInvalid(method, answer);
    case 401:
      return refused(status, answer, 'unauthorized');
    case 403:
      return classifyForbidden(answer, body);
    case 404:
      return classifyMissing(method, answer);
    case 429:
      return rateLimited(body);
    default:
      return ONE_MESSAGE.has(method)
        ? { kind: 'invalid-request', reason: answer.reasons[0] ?? 'badRequest' }
        : refused(status, answer, 'refused');
  }
}

const refused = (status: number, { reasons }: Answer, unnamed: string): GmailFailure => ({
  kind: 'refused',
  status,
  reason: reasons[0] ?? unnamed,
});

/**
 * Classifies an error that a transport threw instead of an answer: a reset, a time-out, a name that does not resolve,
 * an answer that is too large. Not for an abort by the caller.
 */
export function classifyThrown(error: unknown): GmailFailure {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if (cause instanceof GmailError) return cause.failure;
    if (cause instanceof ResponseTooLargeError) return { kind: 'unavailable', status: null, detail: cause.message };
  }
  return { kind: 'unavailable', status: null };
}

/**
 * The error to throw for a failure. It says what happened, to which mailbox, and what to do next, and repeats nothing
 * of Google's text.
 */
export function gmailError(
  mailbox: MailboxId,
  method: CalledMethod,
  failure: GmailFailure,
  cause?: unknown,
): GmailError {
  const message = `${mailbox}: ${describe(method, failure)}`;
  return cause === undefined ? new GmailError(failure, message) : new GmailError(failure, message, { cause });
}

function describe(method: CalledMethod, failure: GmailFailure): string {
  switch (failure.kind) {
    case 'history-expired':
      return 'Gmail no longer keeps the history since our mark; the mailbox is listed again.';
    case 'not-found':
      return (
        `${method} found no such ${method === 'labels.get' ? 'label' : 'message'}; ` +
        'it was deleted or is not visible yet.'
      );
    case 'rate-limited':
      return failure.retryAt === null
        ? `${refuserOf(method)} (${failure.limit} limit).`
        : `${refuserOf(method)} (${failure.limit} limit) until ${new Date(failure.retryAt).toISOString()}.`;
    case 'unavailable':
      return unansweredText(method, failure);
    case 'refused':
      return failure.status === 401 && method !== 'token'
        ? `Gmail refused ${method} (HTTP 401 ${failure.reason}), with a new access token, too.`
        : `${refuserOf(method)} (HTTP ${failure.status} ${failure.reason}) and named no cause that could be mended.`;
    case 'consent-revoked':
      return failure.said === undefined
        ? 'Google no longer accepts its credentials. Connect the mailbox again.'
        : `the token provider says that its access was revoked (${failure.said}).`;
    case 'scope-missing':
      if (method === 'token')
        return (
          'Google gives these credentials no token with the scope that the settings need; for a service account, ' +
          'domain-wide delegation must list its client ID with that scope.'
        );
      return `the grant does not cover ${method} with these settings.`;
    case 'scope-barred':
      return (
        `the grant holds gmail.metadata, and under it Gmail refuses ${method} with these settings, ` +
        'whatever else was granted.'
      );
    case 'mailbox-unavailable':
      return `Gmail does not serve this mailbox: ${refusalCause(failure.reason)}.`;
    case 'invalid-request':
    default:
      return `${refuserOf(method)} as invalid (${failure.reason}).`;
  }
}

/** The call in words for a person; methods keep Google's names. */
function askedFor(method: CalledMethod): string {
  if (method === 'token' || method === 'tokenProvider') return 'a request for an access token';
  return method === 'batch' ? 'a batch of calls' : method;
}

function asked(method: CalledMethod): string {
  if (method === 'tokenProvider') return 'The token provider';
  return method === 'token' ? 'Google' : 'Gmail';
}

const refuserOf = (method: CalledMethod): string => `${asked(method)} refused ${askedFor(method)}`;

/** Without status and detail, no answer came at all. */
function unansweredText(
  method: CalledMethod,
  { status, detail }: Extract<GmailFailure, { kind: 'unavailable' }>,
): string {
  const words = [...(status === null ? [] : [`HTTP ${status}`]), ...(detail === undefined ? [] : [detail])];
  return words.length === 0
    ? `${asked(method)} did not answer ${askedFor(method)}: the connection failed, or took too long.`
    : `${asked(method)} gave no usable answer to ${askedFor(method)} (${words.join(': ')}).`;
}

interface Answer {
  /** Google's reason codes, the precise ones first. */
  readonly reasons: readonly string[];
  readonly message: string;
}

const REASON = /^[A-Za-z_]{1,60}$/;

/**
 * Parses Google's three forms of errors: API errors with `errors` or `details`, and the token endpoint's `{error:
 * 'code'}`. null for anything else.
 */
function parseAnswer(body: string): Answer | null {
  const json = jsonOf(body);
  if (json === undefined) return null;
  const error = field(json, 'error');
  if (typeof error === 'string') {
    return {
      reasons: reasonsOf([error, field(json, 'error_subtype')]),
      message: textOf(field(json, 'error_description')),
    };
  }
  if (typeof error !== 'object' || error === null) return null;
  const nested = [...listOf(field(error, 'details')), ...listOf(field(error, 'errors'))].map((entry) =>
    field(entry, 'reason'),
  );
  return { reasons: reasonsOf([...nested, field(error, 'status')]), message: textOf(field(error, 'message')) };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const reasonsOf = (values: readonly unknown[]): readonly string[] =>
  values.filter((value): value is string => typeof value === 'string' && REASON.test(value));

const RATE_REASONS = new Set([
  'rateLimitExceeded',
  'userRateLimitExceeded',
  'quotaExceeded',
  'RATE_LIMIT_EXCEEDED',
  'RESOURCE_EXHAUSTED',
]);
const SCOPE_REASONS = new Set(['insufficientPermissions', 'ACCESS_TOKEN_SCOPE_INSUFFICIENT']);
const TRANSIENT_REASONS = new Set(['backendError', 'internalError']);

function classifyForbidden(answer: Answer, body: string): GmailFailure {
  const { reasons, message } = answer;
  if (reasons.includes('dailyLimitExceeded')) return rateLimited(body, 'daily');
  if (reasons.some((reason) => SCOPE_REASONS.has(reason))) return { kind: 'scope-missing' };
  // Under gmail.metadata Gmail refuses formats and `q` with the reason "forbidden" and a text, even if a wider scope
  // was granted as well: https://github.com/googleapis/google-api-python-client/issues/582
  if (/metadata scope/i.test(message)) return { kind: 'scope-barred' };
  // A quota refusal names its metric in the text, even when it has another reason:
  // https://cloud.google.com/docs/quotas/troubleshoot
  if (reasons.some((reason) => RATE_REASONS.has(reason)) || /quota exceeded|rate limit/i.test(message))
    return rateLimited(body);
  if (reasons.some((reason) => TRANSIENT_REASONS.has(reason))) return { kind: 'unavailable', status: 403 };
  return { kind: 'mailbox-unavailable', reason: reasons[0] ?? 'forbidden' };
}

function classifyMissing(method: CalledMethod, answer: Answer): GmailFailure {
  if (method === 'history.list') return { kind: 'history-expired' };
  if (ONE_MESSAGE.has(method) || method === 'labels.get') return { kind: 'not-found' };
  return refused(404, answer, 'notFound');
}

const ONE_MESSAGE = new Set<CalledMethod>(['messages.get', 'messages.attachments.get', 'threads.get']);

function classifyInvalid(method: CalledMethod, answer: Answer): GmailFailure {
  const { reasons, message } = answer;
  if (/page ?token/i.test(message)) return { kind: 'invalid-request', reason: INVALID_PAGE_TOKEN };
  if (/mail service not enabled/i.test(message))
    return { kind: 'mailbox-unavailable', reason: 'mailServiceNotEnabled' };
  const precondition = reasons.includes('failedPrecondition') || reasons.includes('FAILED_PRECONDITION');
  // For one message a failed precondition concerns that message. For a mailbox it may mean an account without Gmail,
  // but 1-2% of calls get it for no reason at all: https://github.com/googleapis/google-api-php-client/issues/2558
  if (precondition && !ONE_MESSAGE.has(method)) return { kind: 'refused', status: 400, reason: 'failedPrecondition' };
  return { kind: 'invalid-request', reason: reasons[0] ?? 'badRequest' };
}

/** @see https://developers.google.com/identity/protocols/oauth2/web-server#exchange-errors-invalid-grant */
function classifyToken(status: number, answer: Answer, body: string): GmailFailure {
  if (status === 429) return rateLimited(body);
  const [code] = answer.reasons;
  switch (code) {
    case 'invalid_grant':
      // "Invalid JWT: Token must be a short-lived token" means that this machine's clock is wrong, not the grant.
      if (/invalid jwt/i.test(answer.message) && /short-lived|\biat\b|\bexp\b/i.test(answer.message))
        return { kind: 'unavailable', status, detail: WRONG_CLOCK };
      if (/invalid email or user id/i.test(answer.message))
        return { kind: 'mailbox-unavailable', reason: 'unknownUser' };
      return { kind: 'consent-revoked' };
    case 'unauthorized_client':
    case 'invalid_scope':
    case 'access_denied':
      // With a service account: domain-wide delegation does not list this client with this scope.
      return { kind: 'scope-missing' };
    case 'invalid_client':
    case 'deleted_client':
    case 'disabled_client':
    case 'admin_policy_enforced':
    case 'org_internal':
      return { kind: 'mailbox-unavailable', reason: code };
    case 'rate_limit_exceeded':
    case 'rateLimitExceeded':
    case 'userRateLimitExceeded':
    case 'RATE_LIMIT_EXCEEDED':
      return rateLimited(body);
    case 'internal_failure':
    case 'temporarily_unavailable':
      return { kind: 'unavailable', status };
    case undefined:
      return { kind: 'unavailable', status };
    default:
      // Only invalid_grant means that the grant has ended.
      return { kind: 'refused', status, reason: code, by: 'token endpoint' };
  }
}

const RETRY_AFTER = /retry after\s+(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))/i;

/** Gmail names the time only in the text and sends no Retry-After header. */
function rateLimited(body: string, limit: RateLimit = limitOf(body)): GmailFailure {
  const named = RETRY_AFTER.exec(body)?.[1];
  const retryAt = named === undefined ? Number.NaN : Date.parse(named);
  return { kind: 'rate-limited', limit, retryAt: Number.isNaN(retryAt) ? null : retryAt };
}

function limitOf(body: string): RateLimit {
  if (/concurrent/i.test(body)) return 'concurrency';
  if (/daily limit|per day/i.test(body)) return 'daily';
  if (/per minute per user|PerMinutePerUser|user.?rate.?limit/i.test(body)) return 'user';
  // "limit 'Units per minute'" and quota_limit names without "PerUser" are the whole project's.
  if (/per minute|PerMinute/.test(body)) return 'project';
  return 'user';
}
