import type { GoogleCredentials } from '../gmail/access/credentials.ts';
import { createTokenSource } from '../gmail/access/create-token-source.ts';
import { DirectoryError } from '../gmail/access/directory-error.ts';
import { DIRECTORY_SCOPE, listUsers, type DirectoryUser } from '../gmail/access/directory.ts';
import { scopesOf } from '../gmail/access/scopes.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { refusalCause } from '../gmail/api/refusal-cause.ts';
import type { Transport } from '../gmail/api/transport.ts';
import type { MailboxId } from '../model/ids.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { changeSettings } from '../model/settings-change.ts';
import type { ConnectDomainRequest } from './domain-request.ts';

/** When this many users get no token, the fault lies with the delegation and not with each user. */
const PROBES = 5;

type ServiceAccount = Extract<GoogleCredentials, { type: 'service_account' }>;

export async function usersOf(
  { config, clock, administrator, orgUnit, signal }: ConnectDomainRequest,
  credentials: ServiceAccount,
  transport: Transport,
): Promise<DirectoryUser[]> {
  const tokens = createTokenSource({
    credentials,
    mailbox: administrator,
    tokenUrl: config.googleTokenUrl,
    scopes: [DIRECTORY_SCOPE],
    transport,
    clock,
  });
  const users: DirectoryUser[] = [];
  try {
    for await (const user of listUsers({
      tokens,
      administrator,
      orgUnit,
      transport,
      rootUrl: config.googleAdminUrl,
      clock,
    })) {
      signal.throwIfAborted();
      users.push(user);
    }
  } catch (error) {
    throw tokenRefused(error, administrator, DIRECTORY_SCOPE);
  }
  return users;
}

/**
 * Requests one token to check that the delegation covers what the mailboxes need: otherwise thousands would start only
 * to wait for consent.
 *
 * @returns the users for whom Google refused a token before it issued one, each with its refusal
 */
export async function requireDelegation(
  mailboxes: readonly MailboxId[],
  { config, clock, settings }: ConnectDomainRequest,
  credentials: ServiceAccount,
  transport: Transport,
): Promise<readonly (readonly [MailboxId, DirectoryError])[]> {
  const scopes = scopesOf(changeSettings(DEFAULT_SETTINGS, settings));
  const refused: [MailboxId, DirectoryError][] = [];
  for (const mailbox of mailboxes.slice(0, PROBES)) {
    try {
      await createTokenSource({
        credentials,
        mailbox,
        tokenUrl: config.googleTokenUrl,
        scopes,
        transport,
        clock,
      }).accessToken();
      return refused;
    } catch (error) {
      const refusal = tokenRefused(error, mailbox, scopes.join(', '));
      if (!(refusal instanceof DirectoryError) || refusal.reason !== 'no-administrator') throw refusal;
      refused.push([mailbox, refusal]);
    }
  }
  const [first] = refused;
  if (first !== undefined) throw first[1];
  return [];
}

function tokenRefused(error: unknown, mailbox: MailboxId, scope: string): unknown {
  if (!(error instanceof GmailError)) return error;
  switch (error.failure.kind) {
    case 'scope-missing':
      return new DirectoryError(
        'scope-missing',
        `Domain-wide delegation does not give the service account ${scope}. ` +
          "Add it for the account's client id in the Admin console (Security, API controls, " +
          'Domain-wide delegation); it may take some minutes.',
        { cause: error },
      );
    case 'mailbox-unavailable':
    case 'consent-revoked':
      return new DirectoryError(
        'no-administrator',
        `Google gives the service account no token for ${mailbox}: ${
          error.failure.kind === 'mailbox-unavailable'
            ? refusalCause(error.failure.reason)
            : 'it no longer accepts the key. Check that the service account and this key still exist'
        }.`,
        { cause: error },
      );
    case 'history-expired':
    case 'not-found':
    case 'rate-limited':
    case 'unavailable':
    case 'refused':
    case 'scope-barred':
    case 'invalid-request':
      return error;
  }
}
