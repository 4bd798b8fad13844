import { scopesOf } from '../gmail/access/scopes.ts';
import type { Label } from '../model/change.ts';
import { labelId, type LabelId } from '../model/ids.ts';
import { labelNamed } from '../model/label-named.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { LoginError } from './login-error.ts';
import { mailboxCredentials, type LoginRequest } from './mailbox-credentials.ts';

/** https://developers.google.com/workspace/gmail/api/guides/labels */
const SYSTEM_LABELS = ['INBOX', 'SENT', 'DRAFT', 'SPAM', 'TRASH', 'STARRED', 'IMPORTANT', 'UNREAD', 'CHAT'];
const CATEGORIES = [
  'CATEGORY_PERSONAL',
  'CATEGORY_SOCIAL',
  'CATEGORY_PROMOTIONS',
  'CATEGORY_UPDATES',
  'CATEGORY_FORUMS',
];
const SYSTEM = new Map([...SYSTEM_LABELS, ...CATEGORIES].map((id) => [id, labelId(id)]));

/**
 * The ids of the labels that a person names. System labels are known, in upper or lower case; for any other label Gmail
 * is asked (1 unit).
 *
 * @param request.names - names or ids, as given to `--label`
 * @throws {LoginError} `unknown-label` when the mailbox has no such label, or is not connected and cannot be asked
 */
export async function resolveLabels(request: LoginRequest & { names: readonly string[] }): Promise<readonly LabelId[]> {
  const { names, mailbox } = request;
  const ofSystem = (name: string): LabelId | undefined => SYSTEM.get(name.toUpperCase());
  const labels = names.every((name) => ofSystem(name) !== undefined) ? [] : await labelsAtGmail(request);
  return names.map((name) => {
    const id = ofSystem(name) ?? labelNamed(labels, name)?.id;
    if (id === undefined)
      throw new LoginError('unknown-label', `${mailbox} has no label "${name}". ${ownNames(labels)}`);
    return id;
  });
}

/** A mailbox may have thousands of labels: a message names no more than these. */
const SHOWN_NAMES = 20;

function ownNames(labels: readonly Label[]): string {
  const names = labels.flatMap(({ name, type }) => (type === 'user' ? [`"${name}"`] : [])).sort();
  if (names.length === 0) return 'It has no labels of its own.';
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  return `Its own labels: ${names.slice(0, SHOWN_NAMES).join(', ')}${more}.`;
}

async function labelsAtGmail(request: LoginRequest): Promise<readonly Label[]> {
  const { stores, mailbox } = request;
  const credentials = await mailboxCredentials(request);
  if (credentials === null) {
    throw new LoginError('unknown-label', `${mailbox} is not connected, so its label names are unknown.`, {
      mailbox,
      remedy: { kind: 'connect', mailbox },
    });
  }
  const settings = (await stores.store.getMailbox(mailbox))?.settings ?? DEFAULT_SETTINGS;
  // Google's client takes long to load, and system labels need no call.
  const { withGmail } = await import('./with-gmail.ts');
  return withGmail(request, { credentials, scopes: scopesOf(settings) }, (gmail) => gmail.listLabels());
}
