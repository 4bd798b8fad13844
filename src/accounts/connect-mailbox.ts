import { accountBehind } from '../gmail/access/account.ts';
import { authorizedUserFile, parseCredentials, type GoogleCredentials } from '../gmail/access/credentials.ts';
import type { GmailApi } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { createGoogleGmail } from '../gmail/api/google-gmail.ts';
import { grantAdvice, requireScopes, scopesFor, scopesOf } from '../gmail/access/scopes.ts';
import { createTokenSource } from '../gmail/access/token-source.ts';
import { createUndiciTransport } from '../gmail/api/undici-transport.ts';
import type { Config } from '../config/config.ts';
import type { Label } from '../model/change.ts';
import type { Clock } from '../model/clock.ts';
import { labelId, type LabelId, type MailboxId } from '../model/ids.ts';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../model/settings.ts';
import { changeSettings, type SettingsChange } from '../model/settings-change.ts';
import { secretKeysOf } from '../storage/secret-keys.ts';
import type { Stores } from '../store/open-store.ts';
import { renamedMailbox } from '../client/renamed-mailbox.ts';
import { type Account } from '../gmail/access/account.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';

/** Thrown when a mailbox cannot be connected, or not be asked for its labels. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly code: 'wrong-account' | 'unknown-label' | 'credentials-refused' | 'scope-missing' | 'scope-barred' | 'gmail-unavailable';

  constructor(code: LoginError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface LoginRequest {
  readonly config: Config;
  readonly stores: Stores;
  readonly mailbox: MailboxId;
  readonly clock: Clock;
}

export interface ConnectedMailbox {
  /** What Google calls the account: another address than the mailbox's, where the account was renamed. The mailbox's own when nothing was tried. */
  readonly address: MailboxId;
  readonly messagesTotal: number | null;
}

/**
 * Stores a mailbox's credentials, encrypted. They are tried first by one getProfile (1 unit): what does not work is not stored. With a person's
 * grant is kept which scopes it has, so that settings which it bars are refused before any call is.
 *
 * @param request.text - a credential file of Google's
 * @param request.verify - false stores them untried
 * @throws {InvalidCredentialsError} when the text is no such file
 * @throws {LoginError} when they open another mailbox, or Google refuses them or cannot be reached
 */
export async function connectMailbox({ verify, text, ...request }: LoginRequest & { text: string; verify: boolean }): Promise<ConnectedMailbox> {
  const { config, stores, mailbox } = request;
  const credentials = parseCredentials(text);
  const tried = verify ? await tryOut(request, credentials) : null;
  const known = tried !== null && tried.scopes !== null && credentials.type === 'authorized_user' ? authorizedUserFile({ ...credentials, scopes: tried.scopes }) : text;
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

/** A delegation may cover `gmail.metadata` alone, which is enough for a mailbox that is set so later. */
async function tryOut(request: LoginRequest, credentials: GoogleCredentials): Promise<TriedOut> {
  const settings = (await request.stores.store.getMailbox(request.mailbox))?.settings ?? DEFAULT_SETTINGS;
  try {
    return await profileWith(request, credentials, scopesOf(settings));
  } catch (error) {
    if (credentials.type !== 'service_account' || !(error instanceof GmailError) || error.failure.kind !== 'scope-missing') throw error;
    return profileWith(request, credentials, scopesFor('metadata'));
  }
}

async function profileWith(request: LoginRequest, credentials: GoogleCredentials, scopes: readonly string[]): Promise<TriedOut> {
  const { mailbox } = request;
  let granted: readonly string[] | null = null;
  const onScopes = (told: readonly string[]): void => {
    granted = told;
  };
  return withGmail(request, { credentials, scopes, onScopes }, async (gmail) => {
    const profile = await gmail.getProfile();
    const { store } = request.stores;
    const witnesses = async () => ((await store.getMailbox(mailbox)) === null ? [] : store.sampleMessages(mailbox));
    const account = await accountBehind({ getProfile: async () => profile, batchGet: (...asked) => gmail.batchGet(...asked) }, { mailbox, witnesses });
    if (account.kind === 'another') {
      const renamed = await renamedMailbox(store, mailbox);
      if (renamed !== null) throw new LoginError('wrong-account', `${mailbox} was renamed, and is the mailbox ${renamed} now: connect that address instead. Nothing was stored.`);
      const row = await store.getMailbox(mailbox);
      throw new LoginError('wrong-account', `These credentials open ${account.address}, and nothing that is stored of ${mailbox} says that it is the same account; nothing was stored. Give ${mailbox}'s own file.${renamedHint(row, account)}`);
    }
    return { address: account.address, messagesTotal: profile.messagesTotal, scopes: granted };
  });
}

/** Where no message is held that could tell, the owner may know that the account merely has another address now. */
export function renamedHint(row: Pick<MailboxRow, 'id'> | null, { address, asked }: Extract<Account, { kind: 'another' }>): string {
  return row === null || asked > 0 ? '' : ` If Google calls that account ${address} now: tidemark rename ${row.id} ${address}`;
}

/** https://developers.google.com/workspace/gmail/api/guides/labels */
const SYSTEM_LABELS = ['INBOX', 'SENT', 'DRAFT', 'SPAM', 'TRASH', 'STARRED', 'IMPORTANT', 'UNREAD', 'CHAT'];
const CATEGORIES = ['CATEGORY_PERSONAL', 'CATEGORY_SOCIAL', 'CATEGORY_PROMOTIONS', 'CATEGORY_UPDATES', 'CATEGORY_FORUMS'];
const SYSTEM = new Map([...SYSTEM_LABELS, ...CATEGORIES].map((id) => [id, labelId(id)]));

/**
 * The ids of labels that a person names. System labels are known by name in any case; for others the mailbox is asked (1 unit).
 *
 * @param names - names or ids, as `--label` took them
 * @throws {LoginError} when the mailbox has no such label, or is not connected, so that nobody can tell
 */
export async function resolveLabels(request: LoginRequest & { names: readonly string[] }): Promise<readonly LabelId[]> {
  const { names, mailbox } = request;
  const ofSystem = (name: string): LabelId | undefined => SYSTEM.get(name.toUpperCase());
  const labels = names.every((name) => ofSystem(name) !== undefined) ? [] : await labelsAtGmail(request);
  return names.map((name) => {
    const id = ofSystem(name) ?? labelNamed(labels, name)?.id;
    if (id === undefined) throw new LoginError('unknown-label', `${mailbox} has no label "${name}". ${ownNames(labels)}`);
    return id;
  });
}

/** By name, by id, and by name in any case: Gmail does not let two labels differ in case alone. */
function labelNamed(labels: readonly Label[], wanted: string): Label | undefined {
  const lower = wanted.toLowerCase();
  return labels.find(({ name }) => name === wanted) ?? labels.find(({ id }) => id === wanted) ?? labels.find(({ name }) => name.toLowerCase() === lower);
}

/** Of a mailbox with thousands of labels a terminal shows no more. */
const SHOWN_NAMES = 20;

function ownNames(labels: readonly Label[]): string {
  const names = labels.flatMap(({ name, type }) => (type === 'user' ? [`"${name}"`] : [])).sort();
  if (names.length === 0) return 'It has no labels of its own.';
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  return `Its own labels: ${names.slice(0, SHOWN_NAMES).join(', ')}${more}.`;
}

async function labelsAtGmail(request: LoginRequest): Promise<readonly Label[]> {
  const { config, stores, mailbox } = request;
  const record = await stores.credentials.get(mailbox);
  if (record === null) {
    throw new LoginError('unknown-label', `${mailbox} is not connected, so its label names are unknown. First: tidemark login ${mailbox} --client FILE, or tidemark connect ${mailbox} --credentials FILE`);
  }
  const credentials = parseCredentials(await (await secretKeysOf(config, request.clock)).open(mailbox, record));
  const settings = (await stores.store.getMailbox(mailbox))?.settings ?? DEFAULT_SETTINGS;
  return withGmail(request, { credentials, scopes: scopesOf(settings) }, (gmail) => gmail.listLabels());
}

/**
 * Refuses settings that the mailbox's grant does not cover, before anything is changed or called.
 *
 * @param request.change - what of the settings differs
 * @throws {LoginError} `scope-missing` or `scope-barred`, with what to do
 * @throws {InvalidSettingsError} when a setting is not allowed
 */
export async function requireGrant({ config, stores, mailbox, clock, change }: LoginRequest & { change: SettingsChange }): Promise<void> {
  const record = await stores.credentials.get(mailbox);
  if (record === null) return;
  const credentials = parseCredentials(await (await secretKeysOf(config, clock)).open(mailbox, record));
  if (credentials.type !== 'authorized_user') return;
  const present = (await stores.store.getMailbox(mailbox))?.settings ?? null;
  if (present !== null && change.format === undefined && change.scope === undefined) return;
  const settings: MailboxSettings = changeSettings(present ?? DEFAULT_SETTINGS, change);
  try {
    requireScopes(mailbox, credentials.scopes, settings);
  } catch (error) {
    if (!(error instanceof GmailError) || (error.failure.kind !== 'scope-missing' && error.failure.kind !== 'scope-barred')) throw error;
    throw new LoginError(error.failure.kind, `${error.message} ${grantAdvice(mailbox, error.failure)}.`, { cause: error });
  }
}

interface Access {
  readonly credentials: GoogleCredentials;
  readonly scopes: readonly string[];
  readonly onScopes?: (scopes: readonly string[]) => void;
}

async function withGmail<Result>({ config, mailbox, clock }: LoginRequest, access: Access, use: (gmail: GmailApi) => Promise<Result>): Promise<Result> {
  const network = createUndiciTransport();
  try {
    const { transport } = network;
    const tokens = createTokenSource({ ...access, mailbox, tokenUrl: config.googleTokenUrl, transport, clock });
    return await use(createGoogleGmail({ mailbox, tokens, transport, rootUrl: config.gmailRootUrl, clock, timeoutMs: 20_000 }));
  } catch (error) {
    throw explained(error, config, mailbox);
  } finally {
    await network.close();
  }
}

/** Here a person waits, and nothing is repeated: what is wrong with the grant or the way to Google is said in full. */
function explained(error: unknown, { gmailRootUrl, googleTokenUrl }: Config, mailbox: MailboxId): unknown {
  if (!(error instanceof GmailError)) return error;
  if (error.failure.kind === 'consent-revoked') {
    return new LoginError(
      'credentials-refused',
      `Google does not accept these credentials for ${mailbox}: the grant was revoked or has expired, the service account's key was deleted, or there is no such account. Create new ones.`,
      { cause: error },
    );
  }
  if (error.failure.kind === 'refused' || error.failure.kind === 'rate-limited') return new LoginError('gmail-unavailable', `${error.message} This mostly passes: try again in some minutes.`, { cause: error });
  if (error.failure.kind === 'unavailable') {
    return new LoginError('gmail-unavailable', `${error.message} Try again later. The addresses in use are ${gmailRootUrl} (GMAIL_ROOT_URL) and ${googleTokenUrl} (GOOGLE_TOKEN_URL).`, { cause: error });
  }
  return error;
}
