/**
 * A refusal, answered in Google's JSON error form: https://developers.google.com/workspace/gmail/api/guides/handle-errors
 * Thrown by the simulator's own methods too: `message` is then for the person who wrote the test.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  /** What Gmail says; `message` may say more. */
  readonly answer: string;

  constructor(status: number, reason: string, answer: string, message = answer) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.answer = answer;
  }

  toJSON(): string {
    const authentication = this.status === 401 ? { location: 'Authorization', locationType: 'header' } : {};
    return JSON.stringify({
      error: {
        code: this.status,
        message: this.answer,
        errors: [
          { message: this.status === 401 ? 'Invalid Credentials' : this.answer, domain: domainOf(this.reason), reason: this.reason, ...authentication },
        ],
        status: STATUS_NAMES[this.status] ?? 'UNKNOWN',
        ...(this.reason === 'failedPrecondition' ? { status: 'FAILED_PRECONDITION' } : {}),
      },
    });
  }
}

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const USAGE_LIMITS = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'dailyLimitExceeded', 'accessNotConfigured']);

function domainOf(reason: string): string {
  return USAGE_LIMITS.has(reason) ? 'usageLimits' : 'global';
}

/** @param what names the missing thing to whoever drives the simulator from code; Gmail never names it. */
export const notFound = (what: string): ApiError => new ApiError(404, 'notFound', 'Requested entity was not found.', `${what} was not found`);
export const invalidArgument = (message: string): ApiError => new ApiError(400, 'invalidArgument', message);
export const unauthenticated = (): ApiError =>
  new ApiError(
    401,
    'authError',
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
  );
export const insufficientPermissions = (): ApiError =>
  new ApiError(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.');
export const tooManyConcurrent = (): ApiError => new ApiError(429, 'rateLimitExceeded', 'Too many concurrent requests for user.');
export const retryAfter = (until: number): ApiError =>
  new ApiError(429, 'rateLimitExceeded', `User-rate limit exceeded.  Retry after ${new Date(until).toISOString()}`);

/** The reason and text that Google sends with a status when a fault names none. */
export function defaultRefusal(status: number): { reason: string; message: string } {
  switch (status) {
    case 400:
      return { reason: 'failedPrecondition', message: 'Precondition check failed.' };
    case 401:
      return { reason: 'authError', message: unauthenticated().answer };
    case 403:
      return { reason: 'rateLimitExceeded', message: 'Rate Limit Exceeded' };
    case 404:
      return { reason: 'notFound', message: 'Requested entity was not found.' };
    case 429:
      return { reason: 'rateLimitExceeded', message: 'User-rate limit exceeded.' };
    default:
      return { reason: 'backendError', message: status === 503 ? 'The service is currently unavailable.' : 'Internal error encountered.' };
  }
}
