import type { RenamingAccess } from '../client/rename-mailbox.ts';
import type { Config } from '../config/config.ts';
import { accountBehind } from '../gmail/access/account-behind.ts';
import { parseCredentials } from '../gmail/access/credentials.ts';
import type { TokenProvider } from '../gmail/access/token-provider.ts';
import type { MailboxCredentials } from '../gmail/access/way-to-tokens.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { createGoogleGmail } from '../gmail/api/google-gmail.ts';
import { scopesOf } from '../gmail/access/scopes.ts';
import { createTokenSource } from '../gmail/access/create-token-source.ts';
import { createUndiciTransport } from '../gmail/api/undici-transport.ts';
import { isSameAddress } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../model/settings.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import type { EncryptedRecord } from '../secrets/credential-store.ts';
import type { AccountStores } from './mailbox-credentials.ts';

/** Gives `TidemarkClient.rename` what it needs of Google and of the credentials. */
export function renamingAccess(means: Means): RenamingAccess {
  return {
    refusalOf: (rename) => refusalOf(means, rename),
    copyCredentials: (rename) => copyCredentials(means, rename),
  };
}

interface Means {
  readonly config: Config;
  readonly stores: AccountStores;
  readonly clock: Clock;
  readonly tokenProvider?: TokenProvider | undefined;
}

interface Rename {
  readonly from: MailboxId;
  readonly to: MailboxId;
}

/** Credentials of one of the two addresses. */
interface HeldCredentials {
  readonly mailbox: MailboxId;
  readonly record: EncryptedRecord;
}

/**
 * The credentials of the new address come first: when somebody has connected it already, those of the former address
 * may no longer work.
 */
async function heldCredentials({ stores }: Means, { from, to }: Rename): Promise<HeldCredentials | null> {
  for (const mailbox of [to, from]) {
    const record = await stores.credentials.get(mailbox);
    if (record !== null) return { mailbox, record };
  }
  return null;
}

async function refusalOf(means: Means, rename: Rename): Promise<string | null> {
  const { from, to } = rename;
  const row = await means.stores.store.getMailbox(from);
  // A worker has asked Google already, and compared messages.
  if (row?.account?.address === to) return null;
  const opening = await openingCredentials(means, rename);
  if (opening === null)
    return `No credentials of ${from} are stored, so Google cannot be asked whether its account is called ${to} now.`;
  try {
    return await refusalOfGoogle(means, rename, opening, row?.settings ?? DEFAULT_SETTINGS);
  } catch (error) {
    if (!(error instanceof GmailError)) throw error;
    const again = mayPass(error) ? ' Try again later.' : '';
    return (
      `Google could not be asked for the address of ${from}'s account: nothing was changed. ` +
      `${error.message}${again}`
    );
  }
}

/** Whether the same question may be answered later without anybody's help. */
function mayPass({ failure }: GmailError): boolean {
  switch (failure.kind) {
    case 'unavailable':
    case 'rate-limited':
    case 'refused':
    case 'not-found':
    case 'history-expired':
      return true;
    case 'consent-revoked':
    case 'scope-missing':
    case 'scope-barred':
    case 'mailbox-unavailable':
    case 'invalid-request':
      return false;
  }
}

/** Credentials that open the account now, and the address in whose name they do. */
interface OpeningCredentials {
  readonly mailbox: MailboxId;
  readonly credentials: MailboxCredentials;
  /** True when they open any address that is named: then success does not prove whose address it is. */
  readonly isByName: boolean;
}

async function openingCredentials(means: Means, rename: Rename): Promise<OpeningCredentials | null> {
  const { config, clock, tokenProvider } = means;
  // After the renaming the provider is asked for the new address.
  if (tokenProvider !== undefined)
    return { mailbox: rename.to, credentials: { type: 'token_provider', provider: tokenProvider }, isByName: true };
  const held = await heldCredentials(means, rename);
  if (held === null) return null;
  const credentials = parseCredentials(await (await secretKeysOf(config, clock)).open(held.mailbox, held.record));
  // A service account acts in the name of an address, and Google knows a renamed user only by the new one.
  return credentials.type === 'service_account'
    ? { mailbox: rename.to, credentials, isByName: true }
    : { mailbox: held.mailbox, credentials, isByName: false };
}

/** Asks Google which account the credentials open. @throws {GmailError} when Google does not answer */
async function refusalOfGoogle(
  { config, stores, clock }: Means,
  rename: Rename,
  { mailbox, credentials, isByName }: OpeningCredentials,
  settings: MailboxSettings,
): Promise<string | null> {
  const { from } = rename;
  const network = createUndiciTransport();
  try {
    const { transport } = network;
    const tokens = createTokenSource({
      credentials,
      mailbox,
      tokenUrl: config.googleTokenUrl,
      scopes: scopesOf(settings),
      transport,
      clock,
    });
    const { gmailRootUrl: rootUrl } = config;
    const gmail = createGoogleGmail({ mailbox: from, tokens, transport, rootUrl, clock, timeoutMs: 20_000 });
    const witnesses = () => stores.store.sampleMessages(from);
    const account = await accountBehind(gmail, { mailbox: from, witnesses });
    return refusalOfAccount(account, { ...rename, opened: mailbox, isByName });
  } finally {
    await network.close();
  }
}

/** @param opened - whose credentials were used */
function refusalOfAccount(
  account: Awaited<ReturnType<typeof accountBehind>>,
  { from, to, opened, isByName }: Rename & { readonly opened: MailboxId; readonly isByName: boolean },
): string | null {
  if (account.kind === 'another' && account.asked > 0)
    return (
      `The credentials of ${opened} open ${account.address}, ` +
      `which is another account than that of ${from} (it has ${account.found} of ${account.asked} stored ` +
      `messages): nothing was changed.`
    );
  if (account.kind === 'another' && isByName)
    return (
      `No message of ${from} is stored by which its account could be recognised, ` +
      `so nothing tells whether that is called ${to} now: nothing was changed.`
    );
  if (!isSameAddress(account.address, to))
    return `The address of ${from}'s account at Google is ${account.address}, not ${to}: nothing was changed.`;
  return null;
}

async function copyCredentials(means: Means, { from, to }: Rename): Promise<void> {
  const held = await heldCredentials(means, { from, to });
  if (held === null || held.mailbox === to) return;
  // The record is bound to the mailbox's id, so it must be encrypted again for the new one.
  const keys = await secretKeysOf(means.config, means.clock);
  await means.stores.credentials.put(to, { ...(await keys.seal(to, await keys.open(from, held.record))), version: 0 });
}
