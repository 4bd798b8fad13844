import type { Clock } from '../../model/clock.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { GmailError } from '../api/gmail-error.ts';
import type { Transport } from '../api/transport.ts';
import type { GoogleCredentials } from './credentials.ts';
import type { TokenProvider } from './token-provider.ts';

/** The credentials by which a mailbox is read: stored ones, or a product that keeps the tokens itself. */
export type MailboxCredentials = GoogleCredentials | ProvidedCredentials;

export interface ProvidedCredentials {
  readonly type: 'token_provider';
  readonly provider: TokenProvider;
}

export interface TokenSourceOptions {
  readonly credentials: MailboxCredentials;
  readonly mailbox: MailboxId;
  readonly tokenUrl: string;
  /** Scopes to ask for with a service account; other credentials carry their own. See scopes.ts. */
  readonly scopes: readonly string[];
  readonly transport: Transport;
  readonly clock: Clock;
  /** Milliseconds that one request for a token may take; by default as the kind of credentials says. */
  readonly timeoutMs?: number;
  /** Called with each new token's scopes, when Google names them. */
  readonly onScopes?: (scopes: readonly string[]) => void;
}

/** Times are epoch ms, by this machine's clock. */
export interface GrantedToken {
  readonly token: string;
  readonly askedAt: number;
  readonly expiresAt: number;
}

/** How one kind of credentials becomes access tokens. Each request is one attempt. */
export interface WayToTokens {
  /** Milliseconds that a request may take. */
  readonly timeoutMs: number;
  /**
   * @param asked.refused - whether Gmail refused the token before, although it had not expired
   * @throws {GmailError} as the request was answered
   */
  request(asked: { readonly signal: AbortSignal; readonly refused: boolean }): Promise<GrantedToken>;
  /** The failure that any other error of a request means, including a missed deadline. */
  failureOf(error: unknown): GmailError;
}
