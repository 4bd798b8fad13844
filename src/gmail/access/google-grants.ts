import { createSign } from 'node:crypto';
import { z } from 'zod';
import type { MailboxId } from '../../model/ids.ts';
import { jsonOf } from '../../model/json-of.ts';
import { ANSWER_LIMITS } from '../api/answer-limits.ts';
import { classify, classifyThrown, gmailError, WRONG_CLOCK } from '../api/classify.ts';
import { aheadOf, byOurClock } from '../api/gmail-date.ts';
import type { GoogleCredentials } from './credentials.ts';
import { SENDABLE_TOKEN } from './sendable-token.ts';
import type { GrantedToken, TokenSourceOptions, WayToTokens } from './way-to-tokens.ts';

/** Milliseconds that a refresh may take. */
const TIMEOUT = 30_000;
const LIFETIME_OF_ASSERTION = 3_600;

/** Seconds. Google's tokens live an hour; a claim of more than a day is not believed. */
const LONGEST_LIFE = 24 * 60 * 60;
const GRANT = z.object({
  access_token: SENDABLE_TOKEN,
  expires_in: z.number().positive().max(LONGEST_LIFE),
  scope: z.string().optional(),
});

interface GoogleOptions extends Omit<TokenSourceOptions, 'credentials'> {
  readonly credentials: GoogleCredentials;
}

/**
 * Tokens from Google's token endpoint, by a refresh token or a service account.
 *
 * The two grant requests are made here rather than by google-auth-library, which signs service accounts for one fixed
 * URL, reads the wall clock and retries by itself: a simulated run needs the injected transport and clock.
 *
 * @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
export function googleGrants(options: GoogleOptions): WayToTokens {
  return {
    timeoutMs: TIMEOUT,
    request: ({ signal }) => requestGrant(options, signal),
    failureOf: (error) => gmailError(options.mailbox, 'token', classifyThrown(error), error),
  };
}

/** @param ahead - ms that this machine's clock is known to be ahead of Google's */
async function requestGrant(options: GoogleOptions, signal: AbortSignal, ahead = 0): Promise<GrantedToken> {
  const { mailbox, clock, transport, tokenUrl } = options;
  const askedAt = clock.now();
  const response = await transport({
    method: 'POST',
    url: tokenUrl,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams(grantFor(options, askedAt - ahead)).toString(),
    signal,
    maxBytes: ANSWER_LIMITS.token,
  });
  if (response.status !== 200) {
    const failure = classify('token', response.status, response.body.toString('utf8'));
    const wrongBy = aheadOf(response, clock.now());
    // The refusal carries Google's time: the same request, signed for that time, succeeds.
    if (failure.kind === 'unavailable' && failure.detail === WRONG_CLOCK && ahead === 0 && wrongBy !== 0)
      return await requestGrant(options, signal, wrongBy);
    throw gmailError(mailbox, 'token', byOurClock(failure, response, clock.now()));
  }
  const grant = GRANT.safeParse(jsonOf(response.body));
  if (!grant.success)
    throw gmailError(mailbox, 'token', {
      kind: 'unavailable',
      status: response.status,
      detail: `${grant.error.issues[0]?.path.map(String).join('.') || 'the answer'} is not what Google documents`,
    });
  const scopes = grant.data.scope?.split(' ').filter((scope) => scope !== '');
  if (scopes !== undefined) options.onScopes?.(scopes);
  return {
    token: grant.data.access_token,
    askedAt,
    expiresAt: askedAt + grant.data.expires_in * 1_000,
  };
}

function grantFor({ credentials, mailbox, scopes, tokenUrl }: GoogleOptions, now: number): Record<string, string> {
  if (credentials.type === 'authorized_user') {
    return {
      grant_type: 'refresh_token',
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
      refresh_token: credentials.refreshToken,
    };
  }
  const issuedAt = Math.floor(now / 1_000);
  const claims = {
    iss: credentials.clientEmail,
    sub: mailbox,
    scope: scopes.join(' '),
    aud: tokenUrl,
    iat: issuedAt,
    exp: issuedAt + LIFETIME_OF_ASSERTION,
  };
  const header = {
    alg: 'RS256',
    typ: 'JWT',
    ...(credentials.privateKeyId === null ? {} : { kid: credentials.privateKeyId }),
  };
  const unsigned = `${base64url(header)}.${base64url(claims)}`;
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: `${unsigned}.${sign(unsigned, credentials.privateKey, mailbox)}`,
  };
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** By node:crypto, within the call: jose signs on another thread, for which an injected clock would not wait. */
function sign(text: string, privateKey: string, mailbox: MailboxId): string {
  try {
    return createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url');
  } catch {
    // OpenSSL's error may quote the key, so it is not passed on.
    throw gmailError(mailbox, 'token', { kind: 'mailbox-unavailable', reason: 'privateKeyUnreadable' });
  }
}
