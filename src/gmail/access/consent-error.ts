import { TidemarkError, type TidemarkErrorOptions } from '../../model/tidemark-error.ts';

/** Why a consent failed. */
export type ConsentFailure =
  /** The person, or an administrator's policy, said no. */
  | 'denied'
  /** Less was granted than the mailbox's settings need. */
  | 'scope-missing'
  /** `gmail.metadata` was granted beside what is needed, and bars it. */
  | 'scope-barred'
  /** The answer belongs to another request: from another browser tab, or another person. */
  | 'state-mismatch'
  /** The code was used already, is too old, or is not for this client. */
  | 'code-refused'
  /** Google does not know the OAuth client, or not with this redirect address. */
  | 'client-refused'
  /** Google gave no refresh token, so the grant would not last. */
  | 'no-refresh-token'
  | 'wrong-account'
  | 'timeout'
  | 'google-unavailable';

/** Thrown when a consent failed. The message says what to do and holds nothing of the grant. */
export class ConsentError extends TidemarkError {
  override readonly name = 'ConsentError';
  readonly code: `consent-${ConsentFailure}`;
  /** Why it failed; `code` is the same after `consent-`. */
  readonly reason: ConsentFailure;

  constructor(reason: ConsentFailure, message: string, options?: TidemarkErrorOptions) {
    super(message, options);
    this.code = `consent-${reason}`;
    this.reason = reason;
  }
}

const AGAIN = 'Begin again.';
/** Google's error codes are identifiers. Any other text is not shown. */
const WORD = /^[a-z_]{1,60}$/;

/**
 * The meaning of an error that Google's redirect carries instead of a code.
 * @see https://developers.google.com/identity/protocols/oauth2/web-server#authorization-errors
 */
export function refusedConsent(error: string): ConsentError {
  switch (error) {
    case 'access_denied':
      return new ConsentError(
        'denied',
        'Google was not given consent: it was declined, or the account is not among the test users of the Google ' +
          'Cloud project (OAuth consent screen). Begin again with an account that may consent.',
      );
    case 'admin_policy_enforced':
      return new ConsentError(
        'denied',
        "The Workspace administrator's policy does not let this OAuth client read mail. " +
          'The administrator can trust it in the Admin console under Security, API controls.',
      );
    case 'org_internal':
      return new ConsentError(
        'denied',
        'The OAuth client is for accounts of its own organisation only. Use one of them, ' +
          'or make the client external on the OAuth consent screen.',
      );
    case 'invalid_scope':
    case 'invalid_request':
    case 'unauthorized_client':
    case 'unsupported_response_type':
      return new ConsentError(
        'client-refused',
        `Google refused the request for consent (${error}). Check the OAuth client in the Google Cloud console: ` +
          'its type, its redirect addresses, and that the Gmail API is enabled.',
      );
    case 'server_error':
    case 'temporarily_unavailable':
      return new ConsentError(
        'google-unavailable',
        `Google could not ask for consent now (${error}). Try again later.`,
      );
    default:
      return new ConsentError(
        'denied',
        `Google answered the request for consent with ${WORD.test(error) ? error : 'an error'}. ${AGAIN}`,
      );
  }
}

/**
 * The meaning of an error that the token endpoint returns instead of tokens.
 * @see https://developers.google.com/identity/protocols/oauth2/web-server#exchange-authorization-code
 */
export function refusedCode(error: string): ConsentError {
  switch (error) {
    case 'invalid_grant':
      return new ConsentError(
        'code-refused',
        'Google does not accept the code: it was used already, is older than some minutes, ' +
          `or was not asked for by this program. ${AGAIN}`,
      );
    case 'redirect_uri_mismatch':
      return new ConsentError(
        'client-refused',
        'The redirect address is not the one that consent was asked with, ' +
          'or the OAuth client does not list it (Google Cloud console, Credentials).',
      );
    case 'invalid_client':
    case 'unauthorized_client':
    case 'deleted_client':
    case 'disabled_client':
      return new ConsentError(
        'client-refused',
        `Google does not accept the OAuth client (${error}). Download its JSON again from the Google Cloud console.`,
      );
    default:
      return new ConsentError(
        'google-unavailable',
        `Google gave no tokens for the code${WORD.test(error) ? ` (${error})` : ''}. ${AGAIN}`,
      );
  }
}
