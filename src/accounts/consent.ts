import type { Config } from '../config/config.ts';
import { accountBehind } from '../gmail/access/account-behind.ts';
import { authorizedUserFile } from '../gmail/access/credentials.ts';
import { authorize, codeIn, redeem, type Authorization, type Redeemed } from '../gmail/access/authorization.ts';
import { ConsentError } from '../gmail/access/consent-error.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { refusalCause } from '../gmail/api/refusal-cause.ts';
import { parseOAuthClient } from '../gmail/access/oauth-client.ts';
import { obstacleOf, scopesOf } from '../gmail/access/scopes.ts';
import type { Transport } from '../gmail/api/transport.ts';
import type { Clock } from '../model/clock.ts';
import { mailboxId, type MailboxId } from '../model/ids.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { changeSettings, type SettingsChange } from '../model/settings-change.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import { renamedRemedy } from './connect-mailbox.ts';
import type { AccountStores } from './mailbox-credentials.ts';

/** What a consent begins with. */
export interface BeginConsentRequest {
  /** The JSON of an OAuth client, as the Google Cloud console offers it. */
  readonly client: string;
  /**
   * The address to which Google sends the person back. The OAuth client must list it; for a desktop client it is on
   * this machine.
   */
  readonly redirectUri: string;
  /** The address of the account that must consent; without it, any account that the person chooses. */
  readonly mailbox?: string | undefined;
  /**
   * The settings with which the mailbox will be started; the default settings if absent. They decide the scopes: `full`
   * and `raw` need `gmail.readonly`, `metadata` and `minimal` `gmail.metadata`, a condition by date `gmail.readonly`.
   */
  readonly settings?: SettingsChange;
}

/**
 * A consent that was requested. Keep it (it is plain JSON) in the person's session on the server: `codeVerifier` is
 * secret.
 */
export interface PendingConsent extends Authorization {
  /** null when any account will do. */
  readonly mailbox: MailboxId | null;
}

/** A consent that has begun. */
export interface BegunConsent {
  /** Google's question: send the person there. */
  readonly url: string;
  /** Completes the consent together with Google's answer. */
  readonly pending: PendingConsent;
}

/** See `Accounts.beginConsent`. */
export function beginConsent({
  config,
  client,
  redirectUri,
  mailbox: text,
  settings = {},
}: BeginConsentRequest & { readonly config: Config }): BegunConsent {
  const mailbox = text === undefined ? null : mailboxId(text);
  const { url, authorization } = authorize({
    client: parseOAuthClient(client),
    authUrl: config.googleAuthUrl,
    redirectUri,
    scopes: scopesOf(changeSettings(DEFAULT_SETTINGS, settings)),
    mailbox,
  });
  return { url, pending: { ...authorization, mailbox } };
}

/** What a consent is completed with. */
export interface CompleteConsentRequest {
  /** The JSON of the OAuth client with which the consent began. */
  readonly client: string;
  /** What was kept since the consent began. */
  readonly pending: PendingConsent;
  /** The address that Google sent the person back to, with its query. */
  readonly callbackUrl: string;
}

/** The mailbox that a consent has connected. */
export interface CompletedConsent {
  /** The mailbox that is connected now. */
  readonly mailbox: MailboxId;
  /** The account's address at Google. It differs from the mailbox's when the account was renamed. */
  readonly address: MailboxId;
  /** The scopes that the person granted. */
  readonly scopes: readonly string[];
  /** How many messages Gmail says the account has; null when it does not say. */
  readonly messagesTotal: number | null;
}

/** What the grant is stored with. */
interface GrantMeans {
  readonly config: Config;
  readonly stores: AccountStores;
  readonly clock: Clock;
}

/** See `Accounts.completeConsent`. */
export async function completeConsent({
  config,
  stores,
  client,
  pending,
  callbackUrl,
  clock,
}: CompleteConsentRequest & GrantMeans): Promise<CompletedConsent> {
  const parsed = parseOAuthClient(client);
  const code = codeIn(new URL(callbackUrl, pending.redirectUri), pending);
  const { createUndiciTransport } = await import('../gmail/api/undici-transport.ts');
  const network = createUndiciTransport();
  try {
    const { transport } = network;
    const redeemed = await redeem(code, {
      client: parsed,
      authorization: pending,
      tokenUrl: config.googleTokenUrl,
      transport,
      clock,
    });
    requireGranted(redeemed.scopes, pending.scopes);
    const { mailbox, address, messagesTotal } = await accountOf(redeemed, {
      config,
      store: stores.store,
      meant: pending.mailbox,
      transport,
      clock,
    });
    const { clientId, clientSecret } = parsed;
    const text = authorizedUserFile({
      type: 'authorized_user',
      clientId,
      clientSecret,
      refreshToken: redeemed.refreshToken,
      scopes: redeemed.scopes,
    });
    const keys = await secretKeysOf(config, clock);
    await stores.credentials.put(mailbox, { ...(await keys.seal(mailbox, text)), version: 0 });
    return { mailbox, address, scopes: redeemed.scopes, messagesTotal };
  } finally {
    await network.close();
  }
}

/**
 * A consent covers only the scopes it asks for (`include_granted_scopes` is not set), so `gmail.metadata` of an earlier
 * consent is mostly absent.
 */
function requireGranted(granted: readonly string[], asked: readonly string[]): void {
  const obstacle = obstacleOf(granted, asked);
  switch (obstacle) {
    case null:
      return;
    case 'scope-missing':
      throw new ConsentError(
        obstacle,
        `Access was granted, but without ${asked.join(', ')}, which these settings need. Begin again, ` +
          'and leave every box ticked.',
      );
    case 'scope-barred':
      throw new ConsentError(
        obstacle,
        'Access was granted with gmail.metadata beside gmail.readonly, ' +
          'and under gmail.metadata Gmail refuses bodies and searches, whatever else is granted. ' +
          'Nothing was stored. Remove the access at https://myaccount.google.com/connections, then begin again.',
      );
  }
}

/** A placeholder for errors, which are never shown, until Gmail has said whose mailbox it is. */
const NOT_KNOWN_YET = mailboxId('not-known-yet@gmail');

interface Asked {
  readonly config: Config;
  readonly store: AccountStores['store'];
  readonly meant: MailboxId | null;
  readonly transport: Transport;
  readonly clock: Clock;
}

/**
 * The account that consented. When the consent is for a given mailbox, an account that was renamed since is recognised
 * by its messages.
 */
async function accountOf(
  { accessToken }: Redeemed,
  { config, store, meant, transport, clock }: Asked,
): Promise<{ mailbox: MailboxId; address: MailboxId; messagesTotal: number | null }> {
  const tokens = { accessToken: async () => accessToken, invalidate: () => undefined };
  // Google's client takes long to load.
  const { createGoogleGmail } = await import('../gmail/api/google-gmail.ts');
  const gmail = createGoogleGmail({
    mailbox: NOT_KNOWN_YET,
    tokens,
    transport,
    rootUrl: config.gmailRootUrl,
    clock,
    timeoutMs: 20_000,
  });
  try {
    const profile = await gmail.getProfile();
    const { emailAddress, messagesTotal } = profile;
    if (meant === null) return { mailbox: mailboxId(emailAddress), address: mailboxId(emailAddress), messagesTotal };
    const witnesses = async () => ((await store.getMailbox(meant)) === null ? [] : store.sampleMessages(meant));
    const account = await accountBehind(
      { getProfile: async () => profile, batchGet: (...asked) => gmail.batchGet(...asked) },
      { mailbox: meant, witnesses },
    );
    const { address } = account;
    if (account.kind === 'same') return { mailbox: meant, address, messagesTotal };
    throw new ConsentError(
      'wrong-account',
      `Consent was given for ${address}, not for ${meant}; nothing was stored. Begin again and choose ${meant}.`,
      { mailbox: meant, remedy: renamedRemedy(await store.getMailbox(meant), account) },
    );
  } catch (error) {
    if (!(error instanceof GmailError)) throw error;
    const { failure } = error;
    const reason =
      failure.kind === 'mailbox-unavailable'
        ? `Gmail does not serve this account: ${refusalCause(failure.reason)}. Then begin again`
        : `Gmail did not say whose mailbox it is (${failure.kind}). Begin again in some minutes`;
    throw new ConsentError('google-unavailable', `Consent was given and nothing was stored, because ${reason}.`, {
      cause: error,
    });
  }
}
