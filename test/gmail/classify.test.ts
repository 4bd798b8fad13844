import { describe, expect, it } from 'vitest';
import {
  classify,
  classifyThrown,
  gmailError,
  INVALID_PAGE_TOKEN,
  type CalledMethod,
  WRONG_CLOCK,
} from '../../src/gmail/api/classify.ts';
import { GmailError, type GmailFailure } from '../../src/gmail/api/gmail-error.ts';
import { mailboxId } from '../../src/model/ids.ts';

const RETRY_TIME = '2024-07-25T01:18:53.022Z';
const QUOTA = (limit: string): string =>
  `Quota exceeded for quota metric 'Total Query Cost' and limit '${limit}' of service 'gmail.googleapis.com' for ` +
  "consumer 'project_number:123456789012'.";

/** A refusal in the form of https://developers.google.com/workspace/gmail/api/guides/handle-errors */
const google = (code: number, reason: string, message: string, rest: object = {}): string =>
  JSON.stringify({ error: { code, message, errors: [{ message, domain: 'usageLimits', reason }], ...rest } });

const detail = (reason: string, metadata: object = {}): object => ({
  details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com', metadata }],
});

const token = (error: string, description: string): string => JSON.stringify({ error, error_description: description });

const rateLimited = (
  limit: 'user' | 'project' | 'concurrency' | 'daily',
  retryAt: number | null = null,
): GmailFailure => ({ kind: 'rate-limited', limit, retryAt });

interface Case {
  readonly says: string;
  readonly method?: CalledMethod;
  readonly status: number;
  readonly body: string;
  readonly means: GmailFailure;
}

const CASES: readonly Case[] = [
  // rates
  {
    says: '403 userRateLimitExceeded',
    status: 403,
    body: google(403, 'userRateLimitExceeded', 'User Rate Limit Exceeded'),
    means: rateLimited('user'),
  },
  {
    says: '403 rateLimitExceeded',
    status: 403,
    body: google(403, 'rateLimitExceeded', 'Rate Limit Exceeded'),
    means: rateLimited('user'),
  },
  {
    says: 'a quota of the user',
    status: 403,
    body: google(403, 'rateLimitExceeded', QUOTA('Units per minute per user')),
    means: rateLimited('user'),
  },
  {
    says: 'a quota of the project',
    status: 403,
    body: google(403, 'rateLimitExceeded', QUOTA('Units per minute')),
    means: rateLimited('project'),
  },
  {
    says: 'a quota named in the details only',
    status: 429,
    body: google(
      429,
      'rateLimitExceeded',
      'Quota exceeded',
      detail('RATE_LIMIT_EXCEEDED', { quota_limit: 'defaultPerMinutePerProject' }),
    ),
    means: rateLimited('project'),
  },
  {
    says: 'a quota of the day',
    status: 429,
    body: google(429, 'rateLimitExceeded', QUOTA('Units per day')),
    means: rateLimited('daily'),
  },
  {
    says: '429 with a time',
    status: 429,
    body: google(429, 'rateLimitExceeded', `User-rate limit exceeded.  Retry after ${RETRY_TIME}`),
    means: rateLimited('user', Date.parse(RETRY_TIME)),
  },
  {
    says: '403 with a time in the middle of the text',
    status: 403,
    body: google(403, 'userRateLimitExceeded', `User-rate limit exceeded.  Retry after ${RETRY_TIME} (Mail sending)`),
    means: rateLimited('user', Date.parse(RETRY_TIME)),
  },
  {
    says: 'an impossible time',
    status: 429,
    body: google(429, 'rateLimitExceeded', 'Retry after 2024-99-99T01:18:53Z'),
    means: rateLimited('user'),
  },
  {
    says: 'too many at once',
    status: 429,
    body: google(429, 'rateLimitExceeded', 'Too many concurrent requests for user.'),
    means: rateLimited('concurrency'),
  },
  {
    says: 'exhausted resources',
    status: 429,
    body: google(429, 'rateLimitExceeded', 'Resource has been exhausted (e.g. check quota).'),
    means: rateLimited('user'),
  },
  { says: '429 of the front end', status: 429, body: '<html>Too many requests</html>', means: rateLimited('user') },
  {
    says: "the owner's daily cap",
    status: 403,
    body: google(403, 'dailyLimitExceeded', 'Daily Limit Exceeded'),
    means: rateLimited('daily'),
  },
  // refusals that name a cause, and 401
  {
    says: 'a domain that bars apps',
    status: 403,
    body: google(403, 'domainPolicy', 'The domain administrators have disabled Gmail apps.'),
    means: { kind: 'mailbox-unavailable', reason: 'domainPolicy' },
  },
  {
    says: 'an API that is not enabled',
    status: 403,
    body: google(
      403,
      'accessNotConfigured',
      'Gmail API has not been used in project 123 before or it is disabled.',
      detail('SERVICE_DISABLED'),
    ),
    means: { kind: 'mailbox-unavailable', reason: 'SERVICE_DISABLED' },
  },
  {
    says: 'a delegation denied',
    status: 403,
    body: google(403, 'forbidden', 'Delegation denied for bob@example.com'),
    means: { kind: 'mailbox-unavailable', reason: 'forbidden' },
  },
  {
    says: 'a missing scope',
    status: 403,
    body: google(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.'),
    means: { kind: 'scope-missing' },
  },
  {
    says: 'a missing scope in the details',
    status: 403,
    body: google(403, 'forbidden', 'Insufficient Permission', detail('ACCESS_TOKEN_SCOPE_INSUFFICIENT')),
    means: { kind: 'scope-missing' },
  },
  {
    says: 'a format barred under gmail.metadata',
    status: 403,
    body: google(403, 'forbidden', "Metadata scope doesn't allow format FULL"),
    means: { kind: 'scope-barred' },
  },
  {
    says: 'a search barred under gmail.metadata',
    method: 'messages.list',
    status: 403,
    body: google(403, 'forbidden', "Metadata scope does not support 'q' parameter"),
    means: { kind: 'scope-barred' },
  },
  {
    says: '401',
    status: 401,
    body: google(401, 'authError', 'Invalid Credentials'),
    means: { kind: 'refused', status: 401, reason: 'authError' },
  },
  {
    says: '410',
    method: 'messages.list',
    status: 410,
    body: google(410, 'gone', 'Gone'),
    means: { kind: 'refused', status: 410, reason: 'gone' },
  },
  {
    says: '410 of one message',
    status: 410,
    body: google(410, 'gone', 'Gone'),
    means: { kind: 'invalid-request', reason: 'gone' },
  },
  {
    says: 'a status that no guide names',
    method: 'history.list',
    status: 418,
    body: google(418, 'teapot', 'No'),
    means: { kind: 'refused', status: 418, reason: 'teapot' },
  },
  // what 404 and 400 are about
  {
    says: '404 of the history',
    method: 'history.list',
    status: 404,
    body: google(404, 'notFound', 'Requested entity was not found.'),
    means: { kind: 'history-expired' },
  },
  {
    says: '404 of a message',
    status: 404,
    body: google(404, 'notFound', 'Requested entity was not found.'),
    means: { kind: 'not-found' },
  },
  {
    says: '404 of a thread',
    method: 'threads.get',
    status: 404,
    body: google(404, 'notFound', 'Requested entity was not found.'),
    means: { kind: 'not-found' },
  },
  {
    says: '404 of a listing',
    method: 'messages.list',
    status: 404,
    body: google(404, 'notFound', 'Not Found'),
    means: { kind: 'refused', status: 404, reason: 'notFound' },
  },
  {
    says: '404 of the profile',
    method: 'getProfile',
    status: 404,
    body: google(404, 'notFound', 'Not Found'),
    means: { kind: 'refused', status: 404, reason: 'notFound' },
  },
  {
    says: '404 of the batch endpoint',
    method: 'batch',
    status: 404,
    body: google(404, 'notFound', 'Not Found'),
    means: { kind: 'refused', status: 404, reason: 'notFound' },
  },
  {
    says: '404 of the batch endpoint in HTML',
    method: 'batch',
    status: 404,
    body: '<html>Error 404 (Not Found)!!1</html>',
    means: { kind: 'unavailable', status: 404 },
  },
  {
    says: '404 of a proxy',
    method: 'history.list',
    status: 404,
    body: '<html>no such page</html>',
    means: { kind: 'unavailable', status: 404 },
  },
  { says: '403 of a proxy', status: 403, body: 'Blocked by policy', means: { kind: 'unavailable', status: 403 } },
  {
    says: 'no mail service',
    status: 400,
    body: google(400, 'failedPrecondition', 'Mail service not enabled'),
    means: { kind: 'mailbox-unavailable', reason: 'mailServiceNotEnabled' },
  },
  {
    says: 'a failed precondition of one message',
    status: 400,
    body: google(400, 'failedPrecondition', 'Precondition check failed.'),
    means: { kind: 'invalid-request', reason: 'failedPrecondition' },
  },
  {
    says: 'a failed precondition of a mailbox',
    method: 'messages.list',
    status: 400,
    body: google(400, 'failedPrecondition', 'Precondition check failed.'),
    means: { kind: 'refused', status: 400, reason: 'failedPrecondition' },
  },
  {
    says: 'an unknown page token',
    method: 'messages.list',
    status: 400,
    body: google(400, 'invalidArgument', 'Invalid pageToken'),
    means: { kind: 'invalid-request', reason: INVALID_PAGE_TOKEN },
  },
  {
    says: 'a poisonous message',
    status: 400,
    body: google(400, 'invalidArgument', 'Invalid id value'),
    means: { kind: 'invalid-request', reason: 'invalidArgument' },
  },
  {
    says: 'a batch too large',
    method: 'batch',
    status: 400,
    body: google(400, 'badRequest', 'Inner request count exceeds the limit'),
    means: { kind: 'invalid-request', reason: 'badRequest' },
  },
  // passing trouble
  {
    says: '500',
    status: 500,
    body: google(500, 'backendError', 'Backend Error'),
    means: { kind: 'unavailable', status: 500 },
  },
  { says: '502 in HTML', status: 502, body: '<html>Bad Gateway</html>', means: { kind: 'unavailable', status: 502 } },
  {
    says: '503',
    status: 503,
    body: google(503, 'backendError', 'The service is currently unavailable.'),
    means: { kind: 'unavailable', status: 503 },
  },
  { says: '408', status: 408, body: '', means: { kind: 'unavailable', status: 408 } },
  {
    says: '409 aborted',
    status: 409,
    body: google(409, 'aborted', 'The operation was aborted.'),
    means: { kind: 'unavailable', status: 409 },
  },
  { says: '302 of a captive portal', status: 302, body: '', means: { kind: 'unavailable', status: 302 } },
  {
    says: '403 backendError',
    status: 403,
    body: google(403, 'backendError', 'Backend Error'),
    means: { kind: 'unavailable', status: 403 },
  },
  // the token endpoint
  {
    says: 'a revoked grant',
    method: 'token',
    status: 400,
    body: token('invalid_grant', 'Token has been expired or revoked.'),
    means: { kind: 'consent-revoked' },
  },
  {
    says: 'an unknown user of a domain',
    method: 'token',
    status: 400,
    body: token('invalid_grant', 'Invalid email or User ID'),
    means: { kind: 'mailbox-unavailable', reason: 'unknownUser' },
  },
  {
    says: 'a clock that is off',
    method: 'token',
    status: 400,
    body: token(
      'invalid_grant',
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ' +
        'Check your iat and exp values.',
    ),
    means: { kind: 'unavailable', status: 400, detail: WRONG_CLOCK },
  },
  {
    says: 'no delegation',
    method: 'token',
    status: 401,
    body: token('unauthorized_client', 'Client is unauthorized to retrieve access tokens using this method.'),
    means: { kind: 'scope-missing' },
  },
  {
    says: 'a deleted OAuth client',
    method: 'token',
    status: 401,
    body: token('deleted_client', 'The OAuth client was deleted.'),
    means: { kind: 'mailbox-unavailable', reason: 'deleted_client' },
  },
  {
    says: '401 of the token endpoint without a code',
    method: 'token',
    status: 401,
    body: JSON.stringify({ error: {} }),
    means: { kind: 'unavailable', status: 401 },
  },
  {
    says: '401 of the token endpoint in the form of the API',
    method: 'token',
    status: 401,
    body: google(401, 'authError', 'Invalid Credentials'),
    means: { kind: 'refused', status: 401, reason: 'authError', by: 'token endpoint' },
  },
  {
    says: 'an answer of the token endpoint that no guide names',
    method: 'token',
    status: 400,
    body: token('unknown_trouble', 'Try later'),
    means: { kind: 'refused', status: 400, reason: 'unknown_trouble', by: 'token endpoint' },
  },
  {
    says: 'a token endpoint in trouble',
    method: 'token',
    status: 503,
    body: '',
    means: { kind: 'unavailable', status: 503 },
  },
  {
    says: 'a token endpoint under load',
    method: 'token',
    status: 429,
    body: token('rate_limit_exceeded', 'Rate limit exceeded'),
    means: rateLimited('user'),
  },
];

describe('classify', () => {
  it.each(CASES)('reads $says as $means.kind', ({ method = 'messages.get', status, body, means }) => {
    expect(classify(method, status, body)).toEqual(means);
  });

  it('reads a reset, a time-out and an unknown error as unavailable', () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    for (const error of [reset, new Error('fetch failed', { cause: reset }), 'a text', null]) {
      expect(classifyThrown(error)).toEqual({ kind: 'unavailable', status: null });
    }
  });

  it('keeps the failure of an error that was classified before', () => {
    const revoked = new GmailError({ kind: 'consent-revoked' }, 'revoked');
    expect(classifyThrown(new Error('outer', { cause: revoked }))).toEqual({ kind: 'consent-revoked' });
  });
});

describe('the error for a person', () => {
  it('names the mailbox, and until when to wait', () => {
    const error = gmailError(mailboxId('ada@example.com'), 'messages.get', rateLimited('user', Date.parse(RETRY_TIME)));
    expect(error.message).toContain('ada@example.com');
    expect(error.message).toContain(RETRY_TIME);
  });

  it('repeats nothing of what Google wrote beyond its reason codes', () => {
    const failure = classify(
      'messages.list',
      400,
      google(400, 'Invalid query: secret words', 'Invalid query: secret words'),
    );
    expect(gmailError(mailboxId('ada@example.com'), 'messages.list', failure).message).not.toContain('secret');
  });
});
