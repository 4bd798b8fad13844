import type { MailboxId } from '../model/ids.ts';
import type { MailboxSettings, MessageFormat } from '../model/settings.ts';
import { GmailError } from './gmail-error.ts';

/** https://developers.google.com/workspace/gmail/api/auth/scopes */
const READONLY = 'https://www.googleapis.com/auth/gmail.readonly';
const METADATA = 'https://www.googleapis.com/auth/gmail.metadata';
/** Wider scopes, which a grant made elsewhere may carry: each allows all that `gmail.readonly` does. */
const WIDER: readonly string[] = ['https://mail.google.com/', 'https://www.googleapis.com/auth/gmail.modify'];

/**
 * The narrowest scope that a format can be read with; `q` in listings needs `gmail.readonly`, too.
 * @param options.searches - whether listings use `q`, which a scope by age does
 * @see https://developers.google.com/workspace/gmail/api/auth/scopes
 */
export function scopesFor(format: MessageFormat, { searches = false }: { searches?: boolean } = {}): readonly string[] {
  const metadataOnly = !searches && (format === 'metadata' || format === 'minimal');
  return [metadataOnly ? METADATA : READONLY];
}

/** The scopes that a mailbox's settings need. */
export function scopesOf({ format, scope }: Pick<MailboxSettings, 'format' | 'scope'>): readonly string[] {
  return scopesFor(format, { searches: scope.after !== null });
}

/** Whether a grant with these scopes allows what `needed` does. */
export function covers(granted: readonly string[], needed: readonly string[]): boolean {
  return needed.every((scope) => granted.includes(scope) || granted.some((wider) => WIDER.includes(wider)) || (scope === METADATA && granted.includes(READONLY)));
}

/**
 * Says before any call is made what Gmail would refuse.
 *
 * @param granted - the scopes of the grant; null when nobody knows them, which bars nothing
 * @throws {GmailError} `scope-missing` when the settings need more than was granted
 */
export function requireScopes(mailbox: MailboxId, granted: readonly string[] | null, settings: Pick<MailboxSettings, 'format' | 'scope'>): void {
  if (granted === null || covers(granted, scopesOf(settings))) return;
  throw new GmailError({ kind: 'scope-missing' }, `${mailbox} has granted ${namesOf(granted)}, but ${needOf(settings)}.`);
}

function needOf({ format, scope }: Pick<MailboxSettings, 'format' | 'scope'>): string {
  if (scopesFor(format)[0] === READONLY) return `format ${format} needs gmail.readonly: under gmail.metadata Gmail gives the formats metadata and minimal alone`;
  if (scope.after === null) return `format ${format} needs gmail.metadata`;
  return 'a condition by date needs gmail.readonly: under gmail.metadata Gmail refuses searches (q)';
}

function namesOf(scopes: readonly string[]): string {
  return scopes.length === 0 ? 'no scope' : scopes.map((scope) => scope.replace('https://www.googleapis.com/auth/', '')).join(', ');
}
