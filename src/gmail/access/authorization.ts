import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import { jsonOf } from '../../model/json-of.ts';
import { ConsentError, refusedCode, refusedConsent } from './consent-error.ts';
import { withDeadline } from '../../model/deadline.ts';
import type { OAuthClient } from './oauth-client.ts';
import { SENDABLE_TOKEN } from './sendable-token.ts';
import type { HttpResponse, Transport } from '../api/transport.ts';

/** A pending request for consent, against which its answer is checked. */
export interface Authorization {
  /** Random text that Google returns with the answer. Nobody else can know it. */
  readonly state: string;
  /**
   * Proves to Google that the code is redeemed by the program that asked for it (PKCE, RFC 7636). Secret until then.
   */
  readonly codeVerifier: string;
  /** Where Google sends the person with the answer. */
  readonly redirectUri: string;
  /** The scopes that were asked for: https://developers.google.com/workspace/gmail/api/auth/scopes */
  readonly scopes: readonly string[];
}

export interface AuthorizationRequest {
  readonly client: OAuthClient;
  /** Google's consent screen: GOOGLE_AUTH_URL. */
  readonly authUrl: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** The account to preselect; null for any account. */
  readonly mailbox: MailboxId | null;
}

/**
 * Makes the URL that a person opens to consent. `prompt=consent` makes Google give a refresh token even after an
 * earlier consent.
 *
 * @see
 * https://developers.google.com/identity/protocols/oauth2/native-app#step-2:-send-a-request-to-googles-oauth-2.0-server
 */
export function authorize({ client, authUrl, redirectUri, scopes, mailbox }: AuthorizationRequest): {
  readonly url: string;
  readonly authorization: Authorization;
} {
  const authorization: Authorization = {
    state: randomBytes(24).toString('base64url'),
    codeVerifier: randomBytes(48).toString('base64url'),
    redirectUri,
    scopes,
  };
  const url = new URL(authUrl);
  const parameters = {
    client_id: client.clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: scopes.join(' '),
    state: authorization.state,
    code_challenge: createHash('sha256').update(authorization.codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
    access_type: 'offline',
    prompt: 'consent',
    ...(mailbox === null ? {} : { login_hint: mailbox }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, authorization };
}

/**
 * The code in the redirect that answers a request for consent.
 *
 * @throws {ConsentError} when it answers another request, or Google refused
 */
export function codeIn(callback: URL, { state }: Pick<Authorization, 'state'>): string {
  const query = callback.searchParams;
  if (!isSame(query.get('state') ?? '', state)) {
    throw new ConsentError(
      'state-mismatch',
      'The answer belongs to another request for consent (its state differs). Begin again, ' +
        'and answer in the tab that opens.',
    );
  }
  const error = query.get('error');
  if (error !== null) throw refusedConsent(error);
  const code = query.get('code');
  if (code === null) throw new ConsentError('code-refused', 'Google sent no code. Begin again.');
  return code;
}

export function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

export interface Redeemed {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** The scopes that the person granted; may be fewer than were asked for. */
  readonly scopes: readonly string[];
}

const TOKENS = z.object({
  access_token: SENDABLE_TOKEN,
  refresh_token: SENDABLE_TOKEN.optional(),
  scope: z.string().optional(),
});
const REFUSAL = z.object({ error: z.string() });
const TIMEOUT = 30_000;

/**
 * Exchanges a code for tokens. A code works only once.
 *
 * @throws {ConsentError} when Google refuses, or does not answer
 * @see https://developers.google.com/identity/protocols/oauth2/native-app#exchange-authorization-code
 */
export async function redeem(
  code: string,
  {
    client,
    authorization,
    tokenUrl,
    transport,
    clock,
  }: { client: OAuthClient; authorization: Authorization; tokenUrl: string; transport: Transport; clock: Clock },
): Promise<Redeemed> {
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    code_verifier: authorization.codeVerifier,
    redirect_uri: authorization.redirectUri,
    client_id: client.clientId,
    client_secret: client.clientSecret,
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  let response: HttpResponse;
  try {
    response = await withDeadline({ clock, milliseconds: TIMEOUT, signal: undefined }, (signal) =>
      transport({ method: 'POST', url: tokenUrl, headers, body: form.toString(), signal }),
    );
  } catch (error) {
    throw new ConsentError(
      'google-unavailable',
      `Google's token endpoint ${tokenUrl} does not answer. Begin again later.`,
      { cause: error },
    );
  }
  const json = jsonOf(response.body);
  const tokens = TOKENS.safeParse(json);
  if (response.status !== 200 || !tokens.success) {
    const refusal = REFUSAL.safeParse(json);
    throw refusedCode(refusal.success ? refusal.data.error : '');
  }
  const { access_token: accessToken, refresh_token: refreshToken, scope } = tokens.data;
  if (refreshToken === undefined) {
    throw new ConsentError(
      'no-refresh-token',
      'Google gave no refresh token, so the consent would end within the hour. Begin again; if it stays so, ' +
        'remove the access under https://myaccount.google.com/connections first.',
    );
  }
  return {
    accessToken,
    refreshToken,
    scopes: scope === undefined ? authorization.scopes : scope.split(' ').filter((name) => name !== ''),
  };
}
