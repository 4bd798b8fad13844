import type { MailboxId } from '../../model/ids.ts';
import type { Remedy } from '../../model/remedy.ts';
import type { MailboxSettings, MessageFormat } from '../../model/settings.ts';
import { GmailError } from '../api/gmail-error.ts';

/** https://developers.google.com/workspace/gmail/api/auth/scopes */
const READONLY = 'https://www.googleapis.com/auth/gmail.readonly';
const METADATA = 'https://www.googleapis.com/auth/gmail.metadata';
/** Wider scopes, which a grant made elsewhere may carry. Each allows everything that `gmail.readonly` does. */
const WIDER: readonly string[] = ['https://mail.google.com/', 'https://www.googleapis.com/auth/gmail.modify'];

/**
 * The narrowest scopes for reading a format. Listings with `q` need `gmail.readonly`.
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

/**
 * Why a grant does not allow what `needed` does: it lacks a scope, or it includes `gmail.metadata`, under which Gmail
 * refuses bodies and searches even if `gmail.readonly` was granted as well.
 *
 * @see https://github.com/googleapis/google-api-python-client/issues/582
 * @returns null when the grant is sufficient
 */
export function obstacleOf(
  granted: readonly string[],
  needed: readonly string[],
): 'scope-missing' | 'scope-barred' | null {
  if (!covers(granted, needed)) return 'scope-missing';
  return granted.includes(METADATA) && needed.includes(READONLY) ? 'scope-barred' : null;
}

/** Whether the granted scopes include the needed ones, or wider ones. */
export function covers(granted: readonly string[], needed: readonly string[]): boolean {
  return needed.every(
    (scope) =>
      granted.includes(scope) ||
      granted.some((wider) => WIDER.includes(wider)) ||
      (scope === METADATA && granted.includes(READONLY)),
  );
}

/**
 * Checks a grant before any call, so that a refusal by Gmail is known early.
 *
 * @param granted - the scopes of the grant; null when they are unknown, which passes the check
 * @throws {GmailError} `scope-missing` when the settings need more than was granted, `scope-barred` when they need what
 * `gmail.metadata` bars
 */
export function requireScopes(
  mailbox: MailboxId,
  granted: readonly string[] | null,
  settings: Pick<MailboxSettings, 'format' | 'scope'>,
): void {
  const obstacle = granted === null ? null : obstacleOf(granted, scopesOf(settings));
  if (granted === null || obstacle === null) return;
  const failure = { kind: obstacle, askFor: consentFormat(settings) };
  if (obstacle === 'scope-missing')
    throw new GmailError(failure, `${mailbox} has granted ${namesOf(granted)}, but ${needOf(settings)}.`);
  throw new GmailError(
    failure,
    `${mailbox} has granted ${namesOf(granted)}: under gmail.metadata Gmail refuses ${barredOf(settings)}, ` +
      'whatever else was granted.',
  );
}

/**
 * What a person can do about an insufficient grant.
 *
 * @param failure - `askFor` is the format whose consent is needed; without it, that of the mailbox's settings
 * @param options.orLess - whether the mailbox has settings that could need less
 */
export function grantRemedy(
  mailbox: MailboxId,
  { kind, askFor }: { readonly kind: 'scope-missing' | 'scope-barred'; readonly askFor?: MessageFormat },
  { orLess }: { readonly orLess: boolean },
): Remedy {
  const without = kind === 'scope-barred' ? 'gmail.metadata' : null;
  return { kind: 'grant', mailbox, without, format: askFor ?? null, orLess };
}

/** A format whose consent covers the settings. A condition by date needs `gmail.readonly` whatever the format. */
function consentFormat(settings: Pick<MailboxSettings, 'format' | 'scope'>): MessageFormat {
  return scopesOf(settings).join() === scopesFor(settings.format).join() ? settings.format : 'full';
}

function barredOf({ format }: Pick<MailboxSettings, 'format'>): string {
  return scopesFor(format)[0] === READONLY ? `format ${format}` : 'a condition by date, which is a search (q)';
}

function needOf({ format, scope }: Pick<MailboxSettings, 'format' | 'scope'>): string {
  if (scopesFor(format)[0] === READONLY)
    return (
      `format ${format} needs gmail.readonly: ` +
      'under gmail.metadata Gmail only gives the formats metadata and minimal'
    );
  if (scope.after === null) return `format ${format} needs gmail.metadata`;
  return 'a condition by date needs gmail.readonly: under gmail.metadata Gmail refuses searches (q)';
}

function namesOf(scopes: readonly string[]): string {
  return scopes.length === 0
    ? 'no scope'
    : scopes.map((scope) => scope.replace('https://www.googleapis.com/auth/', '')).join(', ');
}
