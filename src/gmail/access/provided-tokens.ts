import { z } from 'zod';
import { LAST_MOMENT } from '../../model/date-range.ts';
import { boundedText } from '../../model/bounded-text.ts';
import { DeadlineExceededError } from '../../model/deadline.ts';
import { visibleLine } from '../../model/visible-text.ts';
import { gmailError } from '../api/classify.ts';
import type { GmailFailure } from '../api/gmail-error.ts';
import { SENDABLE_TOKEN } from './sendable-token.ts';
import { AccessRevokedError } from './token-provider.ts';
import type { GrantedToken, ProvidedCredentials, TokenSourceOptions, WayToTokens } from './way-to-tokens.ts';

/** Milliseconds; less than any call to Gmail may take, so that the message names the provider and not Gmail. */
const TIMEOUT = 15_000;
const LONGEST_REASON = 300;

const ACCESS_TOKEN = z.object({ accessToken: SENDABLE_TOKEN });
const EXPIRY = z.object({ expiresAt: z.number().min(0).max(LAST_MOMENT) });

interface ProviderOptions extends Omit<TokenSourceOptions, 'credentials'> {
  readonly credentials: ProvidedCredentials;
}

/** Tokens from a product that keeps them itself. */
export function providedTokens(options: ProviderOptions): WayToTokens {
  const { mailbox, clock, credentials } = options;
  return {
    timeoutMs: TIMEOUT,
    request: async ({ signal, refused }) => {
      const askedAt = clock.now();
      return readToken(options, { given: await credentials.provider(mailbox, { signal, refused }), askedAt });
    },
    failureOf: (error) => gmailError(mailbox, 'tokenProvider', failureOf(error), error),
  };
}

function readToken(
  { mailbox, clock }: ProviderOptions,
  { given, askedAt }: { readonly given: unknown; readonly askedAt: number },
): GrantedToken {
  const unusable = (detail: string): Error =>
    gmailError(mailbox, 'tokenProvider', { kind: 'unavailable', status: null, detail });
  const token = ACCESS_TOKEN.safeParse(given);
  if (!token.success) throw unusable('its accessToken is not a text that a header can carry');
  const expiry = EXPIRY.safeParse(given);
  if (!expiry.success) throw unusable('its expiresAt is not a time in epoch milliseconds');
  const { expiresAt } = expiry.data;
  if (expiresAt <= clock.now())
    throw unusable(`its token has expired at ${new Date(expiresAt).toISOString()}; expiresAt is epoch milliseconds`);
  return { token: token.data.accessToken, askedAt, expiresAt };
}

/**
 * An error that is not an AccessRevokedError may quote secrets: only its name is repeated, and the error becomes the
 * cause.
 */
function failureOf(error: unknown): GmailFailure {
  if (error instanceof AccessRevokedError)
    return { kind: 'consent-revoked', said: boundedText(visibleLine(error.message), LONGEST_REASON) };
  if (error instanceof DeadlineExceededError)
    return { kind: 'unavailable', status: null, detail: `no answer within ${TIMEOUT / 1_000} seconds` };
  const name = error instanceof Error ? boundedText(visibleLine(error.name), 60) : typeof error;
  return { kind: 'unavailable', status: null, detail: `it failed with ${name}` };
}
