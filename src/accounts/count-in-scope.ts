import { scopesOf } from '../gmail/access/scopes.ts';
import type { GmailApi } from '../gmail/api/gmail-api.ts';
import { listedPages } from '../gmail/api/listed-pages.ts';
import { listings } from '../gmail/api/scope-listings.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import type { LabelId, MailboxId } from '../model/ids.ts';
import {
  DEFAULT_SETTINGS,
  HIDING_LABELS,
  listsSeveralLabels,
  type MailboxSettings,
  type Scope,
} from '../model/settings.ts';
import type { ScopeCount } from '../model/settings-preview.ts';
import { SecretKeyError } from '../secrets/secret-box.ts';
import { LoginError } from './login-error.ts';
import { mailboxCredentials, type LoginRequest } from './mailbox-credentials.ts';

/** Gmail keeps no count of a scope with a date, so up to this many pages of ids are listed, at 5 units each. */
const MOST_PAGES = 4;

/**
 * Asks Gmail how many messages a scope has. Costs a call for each label, and up to four more where the scope has a
 * date.
 *
 * @returns null when the mailbox is not connected, or Gmail does not say
 * @throws {LoginError} when Google refuses the credentials or cannot be reached
 */
export async function countInScope(
  request: LoginRequest & { readonly settings: MailboxSettings },
): Promise<ScopeCount | null> {
  const credentials = await mailboxCredentials(request);
  if (credentials === null) return null;
  const { settings } = request;
  const { scope } = settings;
  const { withGmail } = await import('./with-gmail.ts');
  const count = await withGmail(
    request,
    { credentials, scopes: scopesOf(settings) },
    async (gmail) =>
      (scope.after === null ? null : await countListed(request.mailbox, gmail, scope)) ?? total(gmail, scope),
  );
  if (count === null || scope.limit === null) return count;
  if (listsSeveralLabels(scope)) return atMost(count, scope.labelIds.length * scope.limit);
  return { messages: Math.min(count.messages, scope.limit), isExact: count.isExact || count.messages > scope.limit };
}

/** A limit holds for each label, and a message may have several. */
const atMost = ({ messages, isExact }: ScopeCount, most: number): ScopeCount => ({
  messages: Math.min(messages, most),
  isExact: isExact && messages <= most,
});

/** The sum of Gmail's own counts: too high for several labels, and for a scope with a date. */
async function total(gmail: GmailApi, scope: Scope): Promise<ScopeCount | null> {
  if (scope.labelIds.length > 0) {
    const messages = await sumOf(gmail, scope.labelIds);
    return messages === null ? null : { messages, isExact: scope.labelIds.length === 1 && scope.after === null };
  }
  const { messagesTotal } = await gmail.getProfile();
  const hidden = scope.includeSpamTrash ? 0 : await sumOf(gmail, HIDING_LABELS);
  if (messagesTotal === null || hidden === null) return null;
  return { messages: Math.max(0, messagesTotal - hidden), isExact: scope.after === null };
}

async function sumOf(gmail: GmailApi, labelIds: readonly LabelId[]): Promise<number | null> {
  let sum = 0;
  for (const id of labelIds) {
    const label = await gmail.getLabel(id);
    if (label?.messagesTotal === null) return null;
    sum += label?.messagesTotal ?? 0;
  }
  return sum;
}

/** @returns null when there are more messages than are worth listing */
async function countListed(mailbox: MailboxId, gmail: GmailApi, scope: Scope): Promise<ScopeCount | null> {
  const ids = new Set<string>();
  let pages = 0;
  for (const listing of listings(scope)) {
    if (pages === MOST_PAGES) return null;
    for await (const page of listedPages(mailbox, listing, (query) => gmail.listMessages(query))) {
      for (const { id } of page.messages) ids.add(id);
      pages += 1;
      if (pages === MOST_PAGES && page.nextPageToken !== null) return null;
    }
  }
  return { messages: ids.size, isExact: true };
}

/**
 * @returns null when the mailbox is not connected
 * @throws {LoginError} when Google refuses the credentials or cannot be reached
 */
export async function hasLabel(request: LoginRequest & { readonly labelId: LabelId }): Promise<boolean | null> {
  const credentials = await mailboxCredentials(request);
  if (credentials === null) return null;
  const settings = (await request.stores.store.getMailbox(request.mailbox))?.settings ?? DEFAULT_SETTINGS;
  const { withGmail } = await import('./with-gmail.ts');
  return withGmail(
    request,
    { credentials, scopes: scopesOf(settings) },
    async (gmail) => (await gmail.getLabel(request.labelId)) !== null,
  );
}

/** null in place of an error that says only that Gmail cannot be asked now. */
export async function orUnknown<Answer>(ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof LoginError || error instanceof GmailError || error instanceof SecretKeyError) return null;
    throw error;
  }
}
