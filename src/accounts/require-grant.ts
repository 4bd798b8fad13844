import { GmailError } from '../gmail/api/gmail-error.ts';
import { grantRemedy, requireScopes } from '../gmail/access/scopes.ts';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../model/settings.ts';
import { changeSettings, type SettingsChange } from '../model/settings-change.ts';
import { LoginError } from './login-error.ts';
import { mailboxCredentials, type LoginRequest } from './mailbox-credentials.ts';

/**
 * Refuses settings that the mailbox's grant does not cover, before anything is changed and before any call.
 *
 * @param request.change - the settings that are to change
 * @throws {LoginError} `scope-missing` or `scope-barred`, with what to do
 * @throws {InvalidSettingsError} when a setting is not allowed
 */
export async function requireGrant({ change, ...request }: LoginRequest & { change: SettingsChange }): Promise<void> {
  const { stores, mailbox } = request;
  const credentials = await mailboxCredentials(request);
  if (credentials?.type !== 'authorized_user') return;
  const present = (await stores.store.getMailbox(mailbox))?.settings ?? null;
  if (present !== null && change.format === undefined && change.scope === undefined) return;
  const settings: MailboxSettings = changeSettings(present ?? DEFAULT_SETTINGS, change);
  try {
    requireScopes(mailbox, credentials.scopes, settings);
  } catch (error) {
    if (
      !(error instanceof GmailError) ||
      (error.failure.kind !== 'scope-missing' && error.failure.kind !== 'scope-barred')
    )
      throw error;
    throw new LoginError(error.failure.kind, error.message, {
      cause: error,
      mailbox,
      remedy: grantRemedy(mailbox, error.failure, { orLess: false }),
    });
  }
}
