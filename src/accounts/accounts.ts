import { configFor } from '../config/running-start.ts';
import type { Config } from '../config/config.ts';
import type { TokenProvider } from '../gmail/access/token-provider.ts';
import type { Clock } from '../model/clock.ts';
import { mailboxId, type LabelId } from '../model/ids.ts';
import { knownOptions, type OptionNames } from '../model/options.ts';
import { connectMailbox, type ConnectedMailbox } from './connect-mailbox.ts';
import {
  beginConsent,
  completeConsent,
  type BeginConsentRequest,
  type BegunConsent,
  type CompleteConsentRequest,
  type CompletedConsent,
} from './consent.ts';
import { resolveLabels } from './label-names.ts';
import type { AccountStores, LoginRequest } from './mailbox-credentials.ts';

/** Credentials that exist already. */
export interface ConnectRequest {
  /** The text of a credential file of Google's: `authorized_user`, or `service_account` with domain-wide delegation. */
  readonly credentials: string;
  /** False stores the credentials untried; true by default. */
  readonly verify?: boolean;
}

/** Connects mailboxes. Credentials are stored encrypted, in a place of their own. */
export interface Accounts {
  /**
   * Stores a mailbox's credentials. One `getProfile` tries them first (1 unit): credentials that do not work are not
   * stored. A person's grant is stored with its scopes, so that settings which it does not cover are refused before any
   * call.
   *
   * @param mailbox - its e-mail address
   * @param request - the credentials, and whether they are tried
   * @returns the account's address at Google, and how many messages it has
   * @throws {InvalidIdError} when `mailbox` is not an e-mail address
   * @throws {InvalidCredentialsError} when the text is not such a file
   * @throws {LoginError} when the credentials open another mailbox, or Google refuses them or cannot be reached
   * @throws {StoreError | SecretKeyError} when they cannot be stored
   * @example
   * await tidemark.accounts.connect('ada@example.com', { credentials: await readFile('ada.json', 'utf8') });
   */
  connect(mailbox: string, request: ConnectRequest): Promise<ConnectedMailbox>;
  /**
   * Begins a consent: send the person to `url`, and keep `pending` until the answer comes. Makes no call.
   *
   * @param request - the OAuth client, and where Google sends the person afterwards
   * @returns the address of Google's question, and what {@link Accounts.completeConsent} needs
   * @throws {InvalidIdError} when `mailbox` is given and not an e-mail address
   * @throws {InvalidCredentialsError} when `client` is not a client file
   * @throws {InvalidSettingsError} when a setting is not allowed
   * @example
   * const redirectUri = 'https://app.example.com/gmail/callback';
   * const { url, pending } = tidemark.accounts.beginConsent({ client, redirectUri });
   */
  beginConsent(request: BeginConsentRequest): BegunConsent;
  /**
   * Completes a consent: redeems the code, asks Gmail whose mailbox it is (1 unit), and stores the grant. A mailbox
   * that waits for consent continues after `client.reconnect(mailbox)`.
   *
   * Nothing is stored unless every step succeeds, so a consent that fails can simply begin again.
   *
   * @param request - what was kept since the beginning, and Google's answer
   * @returns the mailbox that is connected now
   * @throws {ConsentError} when the person or Google refused, the answer belongs to another request, a needed scope was
   * not granted, or another account consented
   * @throws {StoreError | SecretKeyError} when the grant cannot be stored
   * @example
   * const { mailbox } = await tidemark.accounts.completeConsent({ client, pending, callbackUrl: request.url });
   * if (!(await tidemark.client.reconnect(mailbox))) await tidemark.client.start(mailbox);
   */
  completeConsent(request: CompleteConsentRequest): Promise<CompletedConsent>;
  /**
   * The ids of the labels that a person names, for settings, which take ids. Gmail's own labels are known, in upper or
   * lower case; for any other label Gmail is asked (1 unit).
   *
   * @param mailbox - its e-mail address
   * @param names - names or ids of labels
   * @returns their ids, in the same order
   * @throws {InvalidIdError} when `mailbox` is not an e-mail address
   * @throws {LoginError} `unknown-label` when the mailbox has no such label, or is not connected and cannot be asked
   * @example
   * const labelIds = await tidemark.accounts.resolveLabels('ada@example.com', ['INBOX', 'Invoices']);
   * await tidemark.client.start('ada@example.com', { scope: { labelIds } });
   */
  resolveLabels(mailbox: string, names: readonly string[]): Promise<readonly LabelId[]>;
}

const CONNECT: OptionNames<ConnectRequest> = { credentials: true, verify: true };
const BEGIN: OptionNames<BeginConsentRequest> = { client: true, redirectUri: true, mailbox: true, settings: true };
const COMPLETE: OptionNames<CompleteConsentRequest> = { client: true, pending: true, callbackUrl: true };

/** What {@link Accounts} stand on. */
interface AccountMeans {
  readonly config: Config;
  readonly stores: AccountStores;
  readonly clock: Clock;
  readonly tokenProvider: TokenProvider | undefined;
}

export function accountsOf(means: AccountMeans): Accounts {
  const { config, stores, clock } = means;
  const loginOf = (text: string): LoginRequest => {
    const mailbox = mailboxId(text);
    return { ...means, config: configFor(config, mailbox), mailbox };
  };
  return {
    connect: async (mailbox, request) => {
      const { credentials: text, verify = true } = knownOptions('connect', request, CONNECT);
      return connectMailbox({ ...loginOf(mailbox), text, verify });
    },
    beginConsent: (request) => beginConsent({ ...knownOptions('beginConsent', request, BEGIN), config }),
    completeConsent: async (request) =>
      completeConsent({ ...knownOptions('completeConsent', request, COMPLETE), config, stores, clock }),
    resolveLabels: async (mailbox, names) => resolveLabels({ ...loginOf(mailbox), names }),
  };
}
