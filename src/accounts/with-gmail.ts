import type { MailboxCredentials } from '../gmail/access/way-to-tokens.ts';
import type { GmailApi } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { createGoogleGmail } from '../gmail/api/google-gmail.ts';
import { createTokenSource } from '../gmail/access/create-token-source.ts';
import { createUndiciTransport } from '../gmail/api/undici-transport.ts';
import type { Config } from '../config/config.ts';
import type { MailboxId } from '../model/ids.ts';
import { LoginError } from './login-error.ts';
import type { LoginRequest } from './mailbox-credentials.ts';

export interface GmailAccess {
  readonly credentials: MailboxCredentials;
  readonly scopes: readonly string[];
  /** Called with the scopes that Google granted, when it names them. */
  readonly onScopes?: (scopes: readonly string[]) => void;
}

/**
 * Runs `use` with a client for the mailbox, and closes its connections afterwards.
 *
 * @throws {LoginError} when Google refuses the credentials or cannot be reached
 */
export async function withGmail<Result>(
  { config, mailbox, clock }: LoginRequest,
  access: GmailAccess,
  use: (gmail: GmailApi) => Promise<Result>,
): Promise<Result> {
  const network = createUndiciTransport();
  try {
    const { transport } = network;
    const tokens = createTokenSource({ ...access, mailbox, tokenUrl: config.googleTokenUrl, transport, clock });
    return await use(
      createGoogleGmail({ mailbox, tokens, transport, rootUrl: config.gmailRootUrl, clock, timeoutMs: 20_000 }),
    );
  } catch (error) {
    throw explained(error, config, mailbox);
  } finally {
    await network.close();
  }
}

/**
 * A person waits and nothing is retried, so the message says in full what is wrong with the grant or the way to Google.
 */
function explained(error: unknown, { gmailRootUrl, googleTokenUrl }: Config, mailbox: MailboxId): unknown {
  if (!(error instanceof GmailError)) return error;
  if (error.failure.kind === 'consent-revoked') {
    if (error.failure.said !== undefined)
      return new LoginError('credentials-refused', `${error.message} Have its owner consent again.`, { cause: error });
    return new LoginError(
      'credentials-refused',
      `Google does not accept these credentials for ${mailbox}: the grant was revoked or has expired, ` +
        "the service account's key was deleted, or there is no such account. Create new ones.",
      { cause: error },
    );
  }
  if (error.failure.kind === 'refused' || error.failure.kind === 'rate-limited')
    return new LoginError('gmail-unavailable', `${error.message} This mostly passes: try again in some minutes.`, {
      cause: error,
    });
  if (error.failure.kind === 'unavailable') {
    return new LoginError('gmail-unavailable', `${error.message} Try again later.`, {
      cause: error,
      remedy: { kind: 'check-google-addresses', gmail: gmailRootUrl, tokens: googleTokenUrl },
    });
  }
  return error;
}
