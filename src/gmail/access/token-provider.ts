import type { MailboxId } from '../../model/ids.ts';
import { TidemarkError } from '../../model/tidemark-error.ts';

/** An access token of Google's, with the scopes that the mailbox's settings need. */
export interface ProvidedToken {
  /** The token, for Gmail alone. It is kept in memory only. */
  readonly accessToken: string;
  /** Epoch ms. Until a minute before this time the token is kept, and the provider is not asked. */
  readonly expiresAt: number;
}

/** What a {@link TokenProvider} is given besides the mailbox. */
export interface TokenRequest {
  /** Aborts after 15 seconds, and when nothing needs the token any more. A later answer is dropped. */
  readonly signal: AbortSignal;
  /**
   * True when Gmail refused the token before with 401, although it had not expired: do not answer with the same one
   * from a cache.
   */
  readonly refused: boolean;
}

/**
 * Gives the access token of a mailbox, in a product that keeps Google's tokens itself. Stored credentials are then not
 * used. In each process it is called once at a time for each mailbox: about a minute before a token expires, and at
 * once when Gmail refuses a token.
 *
 * It throws {@link AccessRevokedError} when the mailbox's owner has to consent again. Any other error, no answer
 * within 15 seconds, and a token that has expired are passing failures: the work is tried again with growing delays,
 * and nothing is lost.
 *
 * Before a token is first used, one getProfile checks that the token opens the mailbox's own account.
 *
 * @example
 *
 * ```ts
 * const tokenProvider: TokenProvider = async (mailbox, { signal, refused }) => {
 *   const { token, revokedAt } = await vault.googleToken(mailbox, { signal, renew: refused });
 *   if (revokedAt !== null) throw new AccessRevokedError('Google says that the access was withdrawn');
 *   return { accessToken: token.value, expiresAt: token.expiresAt };
 * };
 * await createWorker({ config, log, tokenProvider });
 * ```
 *
 * @param mailbox - the mailbox's address, in lower case
 */
export type TokenProvider = (mailbox: MailboxId, request: TokenRequest) => Promise<ProvidedToken>;

/**
 * Thrown by a {@link TokenProvider} to say that the mailbox may no longer be read until its owner consents again. The
 * mailbox becomes `needs-consent`, and shows the message. It asks the provider again by itself, ever more rarely, and
 * at once after `client.reconnect(mailbox)`.
 *
 * Its message says why, in words that the mailbox's owner may read: it is stored, and shown in Temporal.
 */
export class AccessRevokedError extends TidemarkError {
  override readonly name = 'AccessRevokedError';
  readonly code = 'access-revoked';
}
