import type { GmailApi } from '../gmail/api/gmail-api.ts';
import { gmailError } from '../gmail/api/classify.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import type { TokenSource } from '../gmail/api/token-source.ts';
import { addressIn, isSameAddress } from '../model/address.ts';
import type { MailboxId } from '../model/ids.ts';

export interface SameAccountOptions {
  readonly mailbox: MailboxId;
  readonly tokens: TokenSource;
  /** A client that uses these tokens. */
  readonly clientWith: (tokens: TokenSource) => Pick<GmailApi, 'getProfile'>;
}

/**
 * The tokens of a token provider, all of one account. Stored credentials have a version that changes with them, so
 * their account is checked once. A provider may give the token of another account at any time, and that account's
 * answers would empty the mirror. So each new token costs one getProfile (1 unit) before its first use. A token that
 * opens another account than the tokens before is refused, and so is every later token. The next session then starts
 * over, and compares the account with the mailbox.
 */
export class SameAccountTokens implements TokenSource {
  readonly #options: SameAccountOptions;
  #account: MailboxId | null = null;
  #hasMoved = false;
  /** The last token whose account is known. */
  #seen: string | null = null;
  #looking: { readonly token: string; readonly done: Promise<void> } | null = null;

  constructor(options: SameAccountOptions) {
    this.#options = options;
  }

  /** Whether a token opened another account than those before. */
  get hasMoved(): boolean {
    return this.#hasMoved;
  }

  /** The address of the account that the tokens open. @throws {GmailError} when there is no token, or no answer */
  async account(): Promise<MailboxId | null> {
    await this.accessToken();
    return this.#account;
  }

  async accessToken(signal?: AbortSignal): Promise<string> {
    const { tokens } = this.#options;
    const token = await tokens.accessToken(signal);
    try {
      await this.#look(token);
      return token;
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
    }
    tokens.invalidate(token);
    const next = await tokens.accessToken(signal);
    await this.#look(next);
    return next;
  }

  invalidate(token: string): void {
    this.#options.tokens.invalidate(token);
  }

  /** Callers with the same token share one call. The call has its own deadline, and no caller's signal ends it. */
  async #look(token: string): Promise<void> {
    if (this.#hasMoved) throw this.#moved();
    if (token === this.#seen) return;
    if (this.#looking?.token !== token) {
      const done = this.#identify(token).finally(() => {
        if (this.#looking?.done === done) this.#looking = null;
      });
      this.#looking = { token, done };
    }
    await this.#looking.done;
  }

  async #identify(token: string): Promise<void> {
    const { mailbox, clientWith } = this.#options;
    const only: TokenSource = { accessToken: async () => token, invalidate: () => undefined };
    const address = addressIn((await clientWith(only).getProfile()).emailAddress);
    if (address === null)
      throw gmailError(mailbox, 'getProfile', {
        kind: 'unavailable',
        status: 200,
        detail: 'the profile names no address',
      });
    if (this.#account !== null && !isSameAddress(address, this.#account)) {
      this.#hasMoved = true;
      throw this.#moved();
    }
    this.#account = address;
    this.#seen = token;
  }

  #moved(): GmailError {
    const detail = 'its new token opens another account than the one before; the account is checked first';
    return gmailError(this.#options.mailbox, 'tokenProvider', { kind: 'unavailable', status: null, detail });
  }
}

const isUnauthorized = (error: unknown): boolean =>
  error instanceof GmailError && error.failure.kind === 'refused' && error.failure.status === 401;
