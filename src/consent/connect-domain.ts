import type { Config } from '../config.ts';
import { InvalidCredentialsError, parseCredentials, type GoogleCredentials } from '../gmail/credentials.ts';
import { DIRECTORY_SCOPE, listUsers, type DirectoryUser } from '../gmail/directory.ts';
import { DirectoryError } from '../gmail/directory-error.ts';
import { GmailError } from '../gmail/gmail-error.ts';
import { scopesOf } from '../gmail/scopes.ts';
import { createTokenSource } from '../gmail/token-source.ts';
import type { Transport } from '../gmail/transport.ts';
import { createUndiciTransport } from '../gmail/undici-transport.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { changeSettings, type SettingsChange } from '../model/settings-change.ts';
import { secretKeysOf, type Tidemark } from '../open-tidemark.ts';
import type { SecretKeys } from '../store/secret-keys.ts';

export interface ConnectDomainRequest {
  readonly config: Config;
  readonly tidemark: Pick<Tidemark, 'client' | 'credentials'>;
  readonly clock: Clock;
  /** The JSON of a service account with domain-wide delegation. */
  readonly credentials: string;
  /** In whose name the users are listed. */
  readonly administrator: MailboxId;
  /** Path of an organisational unit, those below it included; null for the whole account. */
  readonly orgUnit: string | null;
  /** What differs from the defaults, for mailboxes that did not run before. */
  readonly settings: SettingsChange;
  /** Lists and compares, and changes nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /** Told after each slice how many mailboxes were handled. */
  readonly onProgress?: (done: number, all: number) => void;
}

export interface ConnectedDomain {
  /** Mailboxes that this call started; with `dryRun`, that it would start. */
  readonly started: readonly MailboxId[];
  /** Ran before; those whose credentials differed have got the new ones. */
  readonly running: readonly MailboxId[];
  /** Connected by their owners' own consent, which stays. */
  readonly ownGrant: readonly MailboxId[];
  readonly leftOut: readonly { readonly mailbox: MailboxId; readonly reason: 'suspended' | 'archived' | 'no-mailbox' }[];
}

/** Starts outrun the workflows' first tasks: a slice, then time for them. */
const SLICE = 20;
const PAUSE = 500;

/**
 * Connects and starts every mailbox of a Workspace domain.
 *
 * Why it may be interrupted and run again, also from time to time for new users: credentials are stored before a mailbox is started, the same
 * ones are not stored twice, and what runs is not started again.
 *
 * @throws {InvalidCredentialsError} when the file is no service account's
 * @throws {DirectoryError} when the users cannot be listed, or the delegation lacks a scope
 * @throws the signal's reason when it aborts
 */
export async function connectDomain(request: ConnectDomainRequest): Promise<ConnectedDomain> {
  const { config, tidemark, clock, credentials: text, signal } = request;
  const credentials = parseCredentials(text);
  if (credentials.type !== 'service_account') throw new InvalidCredentialsError('A whole domain needs a service account with domain-wide delegation; these credentials are one person\'s. Connect single mailboxes with tidemark login or connect.');
  const network = createUndiciTransport();
  try {
    const users = await usersOf(request, credentials, network.transport);
    const present = users.filter(({ leftOut }) => leftOut === null).map(({ mailbox }) => mailbox);
    const [first] = present;
    if (first !== undefined) await requireDelegation(first, request, credentials, network.transport);

    const keys = await secretKeysOf(config, clock);
    const running = await tidemark.client.running();
    const outcomes = new Map<MailboxId, Outcome>();
    for (let from = 0; from < present.length; from += SLICE) {
      signal.throwIfAborted();
      const slice = present.slice(from, from + SLICE);
      const done = await Promise.all(slice.map((mailbox) => connectOne(mailbox, { ...request, keys, isRunning: running.has(mailbox) })));
      for (const [index, mailbox] of slice.entries()) outcomes.set(mailbox, done[index] ?? 'running');
      request.onProgress?.(outcomes.size, present.length);
      if (!request.dryRun && done.includes('started') && from + SLICE < present.length) await clock.sleep(PAUSE, signal);
    }
    const which = (outcome: Outcome): MailboxId[] => present.filter((mailbox) => outcomes.get(mailbox) === outcome);
    return {
      started: which('started'),
      running: which('running'),
      ownGrant: which('own-grant'),
      leftOut: users.flatMap(({ mailbox, leftOut }) => (leftOut === null ? [] : [{ mailbox, reason: leftOut }])),
    };
  } finally {
    await network.close();
  }
}

type Outcome = 'started' | 'running' | 'own-grant';
type ServiceAccount = Extract<GoogleCredentials, { type: 'service_account' }>;

async function connectOne(
  mailbox: MailboxId,
  { tidemark, credentials: text, settings, dryRun, keys, isRunning }: ConnectDomainRequest & { keys: SecretKeys; isRunning: boolean },
): Promise<Outcome> {
  const record = await tidemark.credentials.get(mailbox);
  const held = record === null ? null : await keys.open(mailbox, record);
  if (held !== null && parseCredentials(held).type === 'authorized_user') return 'own-grant';
  if (!dryRun && held !== text) {
    await tidemark.credentials.put(mailbox, { ...(await keys.seal(mailbox, text)), version: 0 });
    if (isRunning) await tidemark.client.reconnect(mailbox);
  }
  if (isRunning) return 'running';
  if (!dryRun) await tidemark.client.start(mailbox, settings);
  return 'started';
}

async function usersOf({ config, clock, administrator, orgUnit, signal }: ConnectDomainRequest, credentials: ServiceAccount, transport: Transport): Promise<DirectoryUser[]> {
  const tokens = createTokenSource({ credentials, mailbox: administrator, tokenUrl: config.googleTokenUrl, scopes: [DIRECTORY_SCOPE], transport, clock });
  const users: DirectoryUser[] = [];
  try {
    for await (const user of listUsers({ tokens, administrator, orgUnit, transport, rootUrl: config.googleAdminUrl, clock })) {
      signal.throwIfAborted();
      users.push(user);
    }
  } catch (error) {
    throw tokenRefused(error, administrator, DIRECTORY_SCOPE);
  }
  return users;
}

/** One token tells whether the delegation covers what the mailboxes need: otherwise thousands would be started only to wait for consent. */
async function requireDelegation(mailbox: MailboxId, { config, clock, settings }: ConnectDomainRequest, credentials: ServiceAccount, transport: Transport): Promise<void> {
  const scopes = scopesOf(changeSettings(DEFAULT_SETTINGS, settings));
  try {
    await createTokenSource({ credentials, mailbox, tokenUrl: config.googleTokenUrl, scopes, transport, clock }).accessToken();
  } catch (error) {
    throw tokenRefused(error, mailbox, scopes.join(', '));
  }
}

function tokenRefused(error: unknown, mailbox: MailboxId, scope: string): unknown {
  if (!(error instanceof GmailError)) return error;
  switch (error.failure.kind) {
    case 'scope-missing':
      return new DirectoryError('scope-missing', `Domain-wide delegation does not give the service account ${scope}. Add it for the account's client id in the Admin console (Security, API controls, Domain-wide delegation); it may take some minutes.`, { cause: error });
    case 'mailbox-unavailable':
    case 'consent-revoked':
      return new DirectoryError('no-administrator', `Google gives the service account no token for ${mailbox} (${error.failure.kind === 'mailbox-unavailable' ? error.failure.reason : 'refused'}). Check the address, and that the service account and its key still exist.`, { cause: error });
    case 'history-expired':
    case 'not-found':
    case 'rate-limited':
    case 'unavailable':
    case 'invalid-request':
      return error;
  }
}
