import { unauthenticated } from './api-error.ts';
import type { Consent } from './consent-screen.ts';
import type { Random } from './random.ts';
import { FULL_ACCESS } from './allowed-scopes.ts';

/** Google's JSON form of a person's grant, which gcloud writes and google-auth-library reads. */
export interface AuthorizedUser {
  /** Marks the credentials as a person's grant. */
  readonly type: 'authorized_user';
  /** The OAuth client to which the person consented. */
  readonly client_id: string;
  /** The OAuth client's secret. */
  readonly client_secret: string;
  /** What the token endpoint takes. */
  readonly refresh_token: string;
}

/** The file that the Google Cloud console offers for an OAuth client of type Desktop app. */
export interface ClientFile {
  /** The client's id, its secret, and where consent may return to. */
  readonly installed: {
    readonly client_id: string;
    readonly client_secret: string;
    readonly redirect_uris: readonly string[];
  };
}

export interface Identity {
  readonly email: string;
  readonly scopes: readonly string[];
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export const CLIENT_ID = '100000000000-simulator.apps.googleusercontent.com';
const CLIENT_SECRET = 'GOCSPX-simulator';
/** https://developers.google.com/identity/protocols/oauth2: access tokens live about an hour. */
const LIFETIME_MS = 3_600_000;

/** Google's token endpoint: grants, access tokens, expiry and revocation. */
export class Tokens {
  readonly #random: Random;
  readonly #isMailbox: (email: string) => boolean;
  readonly #consent: Consent;
  readonly #grants = new Map<string, Identity>();
  readonly #access = new Map<string, Identity & { readonly expiresAt: number }>();
  readonly #latest = new Map<string, string>();
  readonly #revoked = new Set<string>();
  /** Scopes that domain-wide delegation gives to service accounts; null for any. */
  delegation: readonly string[] | null = null;

  constructor({
    random,
    isMailbox,
    consent,
  }: {
    random: Random;
    isMailbox: (email: string) => boolean;
    consent: Consent;
  }) {
    this.#random = random;
    this.#isMailbox = isMailbox;
    this.#consent = consent;
  }

  /** Makes a new grant, which also ends a revocation. */
  grant(email: string, scopes: readonly string[] = [FULL_ACCESS]): AuthorizedUser {
    const refreshToken = `1//${this.#random.text(48)}`;
    this.#revoked.delete(email);
    this.#grants.set(refreshToken, { email, scopes });
    this.#latest.set(email, refreshToken);
    return credentials(refreshToken);
  }

  /** The credentials of the last grant, even a revoked one. Makes a grant when there was none. */
  credentialsFor(email: string): AuthorizedUser {
    const latest = this.#latest.get(email);
    return latest === undefined ? this.grant(email) : credentials(latest);
  }

  clientFile(): ClientFile {
    return { installed: { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: ['http://localhost'] } };
  }

  /** Withdraws the owner's consent: invalidates every refresh and access token of the mailbox. */
  revoke(email: string): void {
    this.#revoked.add(email);
    for (const [token, grant] of this.#grants) if (grant.email === email) this.#grants.delete(token);
    for (const [token, access] of this.#access) if (access.email === email) this.#access.delete(token);
  }

  /** Moves the account's grants and tokens to its new address. */
  rename(from: string, to: string): void {
    for (const [token, grant] of this.#grants)
      if (grant.email === from) this.#grants.set(token, { ...grant, email: to });
    for (const [token, access] of this.#access)
      if (access.email === from) this.#access.set(token, { ...access, email: to });
    const latest = this.#latest.get(from);
    if (this.#latest.delete(from) && latest !== undefined) this.#latest.set(to, latest);
    if (this.#revoked.delete(from)) this.#revoked.add(to);
  }

  /** @throws {ApiError} 401 for a missing, unknown, expired or revoked access token */
  identify(authorization: string | undefined, now: number): Identity {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const access = this.#access.get(token ?? '');
    if (access === undefined || now >= access.expiresAt) throw unauthenticated();
    return access;
  }

  /**
   * POST /token: https://developers.google.com/identity/protocols/oauth2/web-server#offline and
   * …/service-account#httprest
   */
  answer(form: URLSearchParams, now: number): TokenAnswer {
    const grantType = form.get('grant_type') ?? '';
    switch (grantType) {
      case 'refresh_token':
        return this.#refresh(form, now);
      case 'authorization_code':
        return this.#redeem(form, now);
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
        return this.#assertion(form.get('assertion') ?? '', now);
      default:
        return refusal(400, 'unsupported_grant_type', `Invalid grant_type: ${grantType}`);
    }
  }

  #redeem(form: URLSearchParams, now: number): TokenAnswer {
    if (!isOurClient(form)) return refusal(401, 'invalid_client', 'The OAuth client was not found.');
    const agreed = this.#consent.redeem(form, now);
    if ('error' in agreed) return refusal(400, agreed.error, agreed.description);
    const { email, offline, asked } = agreed;
    const earlier = agreed.includeGranted ? (this.#grants.get(this.#latest.get(email) ?? '')?.scopes ?? []) : [];
    const scopes = [...new Set([...agreed.scopes, ...earlier])];
    const lasting =
      offline && (asked || !this.#latest.has(email)) ? { refresh_token: this.grant(email, scopes).refresh_token } : {};
    const { status, body } = this.#issue({ email, scopes }, now);
    return { status, body: { ...body, ...lasting } };
  }

  #refresh(form: URLSearchParams, now: number): TokenAnswer {
    if (!isOurClient(form)) return refusal(401, 'invalid_client', 'The OAuth client was not found.');
    const grant = this.#grants.get(form.get('refresh_token') ?? '');
    if (grant === undefined) return refusal(400, 'invalid_grant', 'Token has been expired or revoked.');
    return this.#issue(grant, now);
  }

  /** The signature is not checked: the simulator knows no service account's key. */
  #assertion(assertion: string, now: number): TokenAnswer {
    const claims = claimsOf(assertion);
    if (claims === null)
      return refusal(
        400,
        'invalid_grant',
        'Invalid JWT: Token must be a short-lived token and in a reasonable timeframe.',
      );
    const { exp, iat, iss, scope } = claims;
    // The times are not checked against the clock: the client uses its own, and the simulator's may be simulated.
    const isShortLived = typeof exp === 'number' && typeof iat === 'number' && exp > iat && exp - iat <= 3_600;
    if (!isShortLived || typeof iss !== 'string' || typeof scope !== 'string') {
      return refusal(
        400,
        'invalid_grant',
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ' +
          'Check your iat and exp values in the JWT claim.',
      );
    }
    const email = typeof claims['sub'] === 'string' ? claims['sub'].toLowerCase() : '';
    if (!this.#isMailbox(email)) return refusal(400, 'invalid_grant', 'Invalid email or User ID');
    const scopes = scope.split(/\s+/);
    if (this.#revoked.has(email) || !scopes.every((name) => this.delegation?.includes(name) ?? true)) {
      return refusal(
        401,
        'unauthorized_client',
        'Client is unauthorized to retrieve access tokens using this method, ' +
          'or client not authorized for any of the scopes requested.',
      );
    }
    return this.#issue({ email, scopes }, now);
  }

  #issue({ email, scopes }: Identity, now: number): TokenAnswer {
    const token = `ya29.${this.#random.text(60)}`;
    this.#access.set(token, { email, scopes, expiresAt: now + LIFETIME_MS });
    return {
      status: 200,
      body: { access_token: token, expires_in: LIFETIME_MS / 1000 - 1, scope: scopes.join(' '), token_type: 'Bearer' },
    };
  }
}

function isOurClient(form: URLSearchParams): boolean {
  return form.get('client_id') === CLIENT_ID && form.get('client_secret') === CLIENT_SECRET;
}

function credentials(refreshToken: string): AuthorizedUser {
  return { type: 'authorized_user', client_id: CLIENT_ID, client_secret: CLIENT_SECRET, refresh_token: refreshToken };
}

function refusal(status: number, error: string, description: string): TokenAnswer {
  return { status, body: { error, error_description: description } };
}

/** The claims of a well-formed RS256 JWT, or null. */
function claimsOf(assertion: string): Record<string, unknown> | null {
  const [header, claims, signature, ...rest] = assertion
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString('utf8'));
  if (header === undefined || claims === undefined || signature === undefined || signature === '' || rest.length > 0)
    return null;
  try {
    const parsedHeader: unknown = JSON.parse(header);
    const parsedClaims: unknown = JSON.parse(claims);
    if (!isRecord(parsedHeader) || parsedHeader['alg'] !== 'RS256' || !isRecord(parsedClaims)) return null;
    return parsedClaims;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
