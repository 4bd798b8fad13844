import { createSign } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import { jsonOf } from '../../model/json-of.ts';
import { classify, classifyThrown, gmailError, WRONG_CLOCK } from '../api/classify.ts';
import type { GoogleCredentials } from './credentials.ts';
import { ANSWER_LIMITS } from '../api/answer-limits.ts';
import { withDeadline } from '../../model/deadline.ts';
import { aheadOf, byOurClock } from '../api/gmail-date.ts';
import { GmailError } from '../api/gmail-error.ts';
import { SENDABLE_TOKEN } from './sendable-token.ts';
import type { TokenSource } from '../api/token-source.ts';
import type { Transport } from '../api/transport.ts';

export interface TokenSourceOptions {
  readonly credentials: GoogleCredentials;
  readonly mailbox: MailboxId;
  readonly tokenUrl: string;
  /** Scopes to ask for with a service account; a refresh token carries its own. See scopes.ts. */
  readonly scopes: readonly string[];
  readonly transport: Transport;
  readonly clock: Clock;
  /** Milliseconds that a refresh may take. */
  readonly timeoutMs?: number;
  /** Called with each new token's scopes, when Google names them. */
  readonly onScopes?: (scopes: readonly string[]) => void;
}

/** Ms before its expiry at which a token is replaced, so that no call outlives it. */
const EXPIRY_MARGIN = 60_000;
const LIFETIME_OF_ASSERTION = 3_600;

/** Seconds. Google's tokens live an hour; a claim of more than a day is not believed. */
const LONGEST_LIFE = 24 * 60 * 60;
const GRANT = z.object({
  access_token: SENDABLE_TOKEN,
  expires_in: z.number().positive().max(LONGEST_LIFE),
  scope: z.string().optional(),
});

/** Times are epoch ms, by this machine's clock. */
interface CachedToken {
  readonly token: string;
  readonly askedAt: number;
  readonly expiresAt: number;
}

/**
 * Whether a token can be used. One that was asked for in the future dates from before the clock was set back and may
 * have expired long ago.
 */
const isGood = ({ askedAt, expiresAt }: CachedToken, now: number): boolean => askedAt <= now && now < expiresAt;

interface Refresh {
  readonly promise: Promise<string>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Fetches access tokens, and keeps each until shortly before it expires.
 *
 * The two grant requests are made here rather than by google-auth-library, which signs service accounts for one fixed
 * URL, reads the wall clock and retries by itself: a simulated run needs the injected transport and clock.
 *
 * @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { mailbox, clock, timeoutMs = 30_000 } = options;
  let cached: CachedToken | null = null;
  let refresh: Refresh | null = null;

  /**
   * Callers share one refresh. It is aborted only when the last caller has stopped waiting for it, so a caller that
   * aborts cannot fail the others.
   */
  function startRefresh(): Refresh {
    const controller = new AbortController();
    const promise = withDeadline({ clock, milliseconds: timeoutMs, signal: controller.signal }, (signal) =>
      requestGrant(options, signal),
    )
      .then((grant) => {
        cached = grant;
        return grant.token;
      })
      .catch((error: unknown) => {
        if (error instanceof GmailError || controller.signal.aborted) throw error;
        throw gmailError(mailbox, 'token', classifyThrown(error), error);
      })
      .finally(() => {
        if (refresh === started) refresh = null;
      });
    const started: Refresh = { promise, controller, waiting: 0 };
    return started;
  }

  async function join(signal: AbortSignal | undefined): Promise<string> {
    refresh ??= startRefresh();
    const joined = refresh;
    joined.waiting++;
    try {
      return await untilAborted(joined.promise, signal);
    } finally {
      joined.waiting--;
      if (joined.waiting === 0) {
        if (refresh === joined) refresh = null;
        joined.controller.abort();
      }
    }
  }

  return {
    async accessToken(signal) {
      signal?.throwIfAborted();
      if (cached !== null && isGood(cached, clock.now())) return cached.token;
      return join(signal);
    },
    invalidate(token) {
      if (cached?.token === token) cached = null;
    },
  };
}

async function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return promise;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

/** @param ahead - ms that this machine's clock is known to be ahead of Google's */
async function requestGrant(options: TokenSourceOptions, signal: AbortSignal, ahead = 0): Promise<CachedToken> {
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
    expiresAt: askedAt + grant.data.expires_in * 1_000 - EXPIRY_MARGIN,
  };
}

function grantFor({ credentials, mailbox, scopes, tokenUrl }: TokenSourceOptions, now: number): Record<string, string> {
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

function sign(text: string, privateKey: string, mailbox: MailboxId): string {
  try {
    return createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url');
  } catch {
    // OpenSSL's error may quote the key, so it is not passed on.
    throw gmailError(mailbox, 'token', { kind: 'mailbox-unavailable', reason: 'privateKeyUnreadable' });
  }
}
