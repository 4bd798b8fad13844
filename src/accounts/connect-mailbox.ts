import { accountBehind, type Account } from '../gmail/access/account-behind.ts';
import { authorizedUserFile, parseCredentials, type GoogleCredentials } from '../gmail/access/credentials.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { scopesFor, scopesOf } from '../gmail/access/scopes.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import { renamedMailbox } from '../client/renamed-mailbox.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import { LoginError } from './login-error.ts';
import type { LoginRequest } from './mailbox-credentials.ts';

/** A mailbox whose credentials Gmail has accepted. */
export interface ConnectedMailbox {
  /**
   * The account's address at Google. It differs from the mailbox's address when the account was renamed. When nothing
   * was tried, it is the mailbox's address.
   */
  readonly address: MailboxId;
  /** How many messages Gmail says the account has; null when it does not say, or nothing was tried. */
  readonly messagesTotal: number | null;
}

/**
 * Stores a mailbox's credentials, encrypted. One getProfile tries them first (1 unit): credentials that do not work are
 * not stored. A person's grant is stored with its scopes, so that settings which the grant does not cover are refused
 * before any call.
 *
 * @param request.text - a credential file of Google's
 * @param request.verify - false stores the credentials untried
 * @throws {InvalidCredentialsError} when the text is not such a file
 * @throws {LoginError} when the credentials open another mailbox, or Google refuses them or cannot be reached
 */
export async function connectMailbox({
  verify,
  text,
  ...request
}: LoginRequest & { text: string; verify: boolean }): Promise<ConnectedMailbox> {
  const { config, stores, mailbox } = request;
  const credentials = parseCredentials(text);
  const tried = verify ? await tryOut(request, credentials) : null;
  const known =
    tried !== null && tried.scopes !== null && credentials.type === 'authorized_user'
      ? authorizedUserFile({ ...credentials, scopes: tried.scopes })
      : text;
  const keys = await secretKeysOf(config, request.clock);
  await stores.credentials.put(mailbox, { ...(await keys.seal(mailbox, known)), version: 0 });
  return { address: tried?.address ?? mailbox, messagesTotal: tried?.messagesTotal ?? null };
}

interface TriedOut {
  readonly address: MailboxId;
  readonly messagesTotal: number | null;
  /** null when Google did not say. */
  readonly scopes: readonly string[] | null;
}

/**
 * A delegation may cover only `gmail.metadata`, which is enough for a mailbox that is set to the metadata format later.
 */
async function tryOut(request: LoginRequest, credentials: GoogleCredentials): Promise<TriedOut> {
  const settings = (await request.stores.store.getMailbox(request.mailbox))?.settings ?? DEFAULT_SETTINGS;
  try {
    return await profileWith(request, credentials, scopesOf(settings));
  } catch (error) {
    if (
      credentials.type !== 'service_account' ||
      !(error instanceof GmailError) ||
      error.failure.kind !== 'scope-missing'
    )
      throw error;
    return profileWith(request, credentials, scopesFor('metadata'));
  }
}

async function profileWith(
  request: LoginRequest,
  credentials: GoogleCredentials,
  scopes: readonly string[],
): Promise<TriedOut> {
  const { mailbox } = request;
  let granted: readonly string[] | null = null;
  const onScopes = (named: readonly string[]): void => {
    granted = named;
  };
  // Google's client takes long to load.
  const { withGmail } = await import('./with-gmail.ts');
  return withGmail(request, { credentials, scopes, onScopes }, async (gmail) => {
    const profile = await gmail.getProfile();
    const { store } = request.stores;
    const witnesses = async () => ((await store.getMailbox(mailbox)) === null ? [] : store.sampleMessages(mailbox));
    const account = await accountBehind(
      { getProfile: async () => profile, batchGet: (...asked) => gmail.batchGet(...asked) },
      { mailbox, witnesses },
    );
    if (account.kind === 'another') {
      const renamed = await renamedMailbox(store, mailbox);
      if (renamed !== null)
        throw new LoginError(
          'wrong-account',
          `${mailbox} was renamed, and is the mailbox ${renamed} now: ` +
            'connect that address instead. Nothing was stored.',
          { mailbox },
        );
      const row = await store.getMailbox(mailbox);
      throw new LoginError(
        'wrong-account',
        `These credentials open ${account.address}, and nothing that is stored of ${mailbox} says that it is the ` +
          `same account; nothing was stored. Give ${mailbox}'s own file.`,
        { mailbox, remedy: renamedRemedy(row, account) },
      );
    }
    return { address: account.address, messagesTotal: profile.messagesTotal, scopes: granted };
  });
}

/**
 * When no stored message can prove that the account is the same, its owner may know that it was renamed: then a
 * renaming is the remedy.
 */
export function renamedRemedy(
  row: Pick<MailboxRow, 'id'> | null,
  { address, asked }: Extract<Account, { kind: 'another' }>,
): Remedy | null {
  return row === null || asked > 0 ? null : { kind: 'rename', from: row.id, to: address, else: null };
}
