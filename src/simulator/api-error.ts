import { TidemarkError } from '../model/tidemark-error.ts';

/**
 * A refusal, answered in Google's JSON error form:
 * https://developers.google.com/workspace/gmail/api/guides/handle-errors
 * The simulator's own methods throw it too; `message` is then for the author of the test.
 */
export class ApiError extends TidemarkError {
  override readonly name = 'ApiError';
  readonly code = 'simulator';
  readonly status: number;
  readonly reason: string;
  /** The text of Gmail's answer; `message` may say more. */
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
          {
            message: this.status === 401 ? 'Invalid Credentials' : this.answer,
            domain: domainOf(this.reason),
            reason: this.reason,
            ...authentication,
            ...(this.reason === 'accessNotConfigured' ? { extendedHelp: 'https://console.developers.google.com' } : {}),
          },
        ],
        status: STATUS_NAMES[this.status] ?? 'UNKNOWN',
        ...(this.reason === 'failedPrecondition' ? { status: 'FAILED_PRECONDITION' } : {}),
        ...(this.reason === 'accessNotConfigured' ? { details: serviceDisabled(this.answer) } : {}),
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
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** The project number in the simulator's client id. */
const PROJECT = '100000000000';
const CONSOLE = 'https://console.developers.google.com';
const ACTIVATION_URL = `${CONSOLE}/apis/api/gmail.googleapis.com/overview?project=${PROJECT}`;

/**
 * The details that Google adds when an API is disabled, or was enabled only minutes ago. `errors` holds the older form
 * of this reason: accessNotConfigured.
 */
function serviceDisabled(message: string): object[] {
  return [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'SERVICE_DISABLED',
      domain: 'googleapis.com',
      metadata: {
        service: 'gmail.googleapis.com',
        serviceTitle: 'Gmail API',
        consumer: `projects/${PROJECT}`,
        containerInfo: PROJECT,
        activationUrl: ACTIVATION_URL,
      },
    },
    { '@type': 'type.googleapis.com/google.rpc.LocalizedMessage', locale: 'en-US', message },
    {
      '@type': 'type.googleapis.com/google.rpc.Help',
      links: [{ description: 'Google developers console API activation', url: ACTIVATION_URL }],
    },
  ];
}

const USAGE_LIMITS = new Set([
  'rateLimitExceeded',
  'userRateLimitExceeded',
  'dailyLimitExceeded',
  'accessNotConfigured',
]);

function domainOf(reason: string): string {
  return USAGE_LIMITS.has(reason) ? 'usageLimits' : 'global';
}

/**
 * @param what - names the missing thing for code that drives the simulator; Gmail's answer never names it
 * @param message - the whole sentence, where "was not found" does not suit
 */
export const notFound = (what: string, message = `${what} was not found`): ApiError =>
  new ApiError(404, 'notFound', 'Requested entity was not found.', message);
/** @param message - says more than Gmail's answer, for code that drives the simulator */
export const invalidArgument = (answer: string, message = answer): ApiError =>
  new ApiError(400, 'invalidArgument', answer, message);
export const unauthenticated = (): ApiError =>
  new ApiError(
    401,
    'authError',
    'Request had invalid authentication credentials. Expected OAuth 2 access token, ' +
      'login cookie or other valid authentication credential. ' +
      'See https://developers.google.com/identity/sign-in/web/devconsole-project.',
  );
export const insufficientPermissions = (): ApiError =>
  new ApiError(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.');
export const tooManyConcurrent = (): ApiError =>
  new ApiError(429, 'rateLimitExceeded', 'Too many concurrent requests for user.');
export const rateLimitedUntil = (until: number): ApiError =>
  new ApiError(429, 'rateLimitExceeded', `User-rate limit exceeded.  Retry after ${new Date(until).toISOString()}`);

const MESSAGES: Readonly<Record<string, string>> = {
  accessNotConfigured:
    `Gmail API has not been used in project ${PROJECT} before or it is disabled. ` +
    `Enable it by visiting ${ACTIVATION_URL} then retry. If you enabled this API recently, ` +
    'wait a few minutes for the action to propagate to our systems and retry.',
  dailyLimitExceeded: 'Daily Limit Exceeded',
  domainPolicy: 'The domain administrators have disabled Gmail apps.',
  failedPrecondition: 'Precondition check failed.',
};

/** A refusal on command. Reason and message default to what Google sends with that status or reason. */
export function refusal(
  status: number,
  given: { readonly reason?: string | undefined; readonly message?: string | undefined },
): ApiError {
  const usual = usualRefusal(status);
  const reason = given.reason ?? usual.reason;
  return new ApiError(status, reason, given.message ?? MESSAGES[reason] ?? usual.message);
}

function usualRefusal(status: number): { reason: string; message: string } {
  switch (status) {
    case 400:
      return { reason: 'failedPrecondition', message: 'Precondition check failed.' };
    case 401:
      return { reason: 'authError', message: unauthenticated().answer };
    case 403:
      return { reason: 'rateLimitExceeded', message: 'Rate Limit Exceeded' };
    case 404:
      return { reason: 'notFound', message: 'Requested entity was not found.' };
    case 410:
      return { reason: 'deleted', message: 'Resource has been deleted' };
    case 429:
      return { reason: 'rateLimitExceeded', message: 'User-rate limit exceeded.' };
    default:
      return {
        reason: 'backendError',
        message: status === 503 ? 'The service is currently unavailable.' : 'Internal error encountered.',
      };
  }
}
