import type { Config } from '../config/config.ts';
import { InvalidCredentialsError, parseCredentials, type GoogleCredentials } from '../gmail/access/credentials.ts';
import { DIRECTORY_SCOPE, listUsers, type DirectoryUser } from '../gmail/access/directory.ts';
import { DirectoryError } from '../gmail/access/directory-error.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { refusalCause } from '../gmail/api/refusal-cause.ts';
import { scopesOf } from '../gmail/access/scopes.ts';
import { createTokenSource } from '../gmail/access/create-token-source.ts';
import type { Transport } from '../gmail/api/transport.ts';
import { createUndiciTransport } from '../gmail/api/undici-transport.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import type { TidemarkError } from '../model/tidemark-error.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { changeSettings, type SettingsChange } from '../model/settings-change.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import { SecretKeyError } from '../secrets/secret-box.ts';
import type { SecretKeys } from '../secrets/secret-keys.ts';

export interface ConnectDomainRequest {
  readonly config: Config;
  readonly tidemark: {
    readonly client: TidemarkClient;
    readonly credentials: CredentialStore;
    readonly store: MailboxRegistry;
  };
  readonly clock: Clock;
  /** The JSON of a service account with domain-wide delegation. */
  readonly credentials: string;
  /** The administrator in whose name the users are listed. */
  readonly administrator: MailboxId;
  /** Path of an organisational unit, with the units below it; null for the whole account. */
  readonly orgUnit: string | null;
  /** Settings that differ from the defaults, for mailboxes that did not run before. */
  readonly settings: SettingsChange;
  /** Lists and compares, and changes nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /** Called after each slice with the number of mailboxes handled so far. */
  readonly onProgress?: (done: number, all: number) => void;
}

export interface ConnectedDomain {
  /** Mailboxes that this call started, or with `dryRun` would start. */
  readonly started: readonly MailboxId[];
  /** Mailboxes that ran before. If their credentials differed, they have the new ones now. */
  readonly running: readonly MailboxId[];
  /** Mailboxes that somebody stopped or removed: they stay so. Stored credentials are replaced by the new ones. */
  readonly stopped: readonly MailboxId[];
  /** Mailboxes that their owners connected by their own consent, which stays in use. */
  readonly ownGrant: readonly MailboxId[];
  /** Users whose mailbox is stored under an earlier address: no second mailbox is started for them. */
  readonly renamed: readonly RenamedUser[];
  /** Mailboxes that could not be connected, while others could. */
  readonly failed: readonly FailedMailbox[];
  readonly leftOut: readonly {
    readonly mailbox: MailboxId;
    readonly reason: 'suspended' | 'archived' | 'no-mailbox';
  }[];
}

export interface FailedMailbox {
  readonly mailbox: MailboxId;
  readonly message: string;
  /** What can be done about it, as data; null when there is nothing but to mend the cause. */
  readonly remedy: Remedy | null;
}

export interface RenamedUser {
  /** The stored mailbox. */
  readonly mailbox: MailboxId;
  /** The user's address now. */
  readonly to: MailboxId;
}

/** Workflows start faster than their first tasks run: after each slice the workers get time to catch up. */
const SLICE = 20;
const PAUSE = 500;
/** When this many users get no token, the fault lies with the delegation and not with each user. */
const PROBES = 5;

/**
 * Connects and starts every mailbox of a Workspace domain.
 *
 * It may be interrupted and run again, for example to add new users: credentials are stored before a mailbox is
 * started, equal credentials are not stored twice, and a mailbox that runs or was stopped is not started again.
 *
 * @throws {InvalidCredentialsError} when the file does not belong to a service account
 * @throws {DirectoryError} when the users cannot be listed, the delegation lacks a scope, or Google issues no token for
 * any user
 * @throws {SecretKeyError} when none of the stored credentials can be decrypted
 * @throws the signal's reason when it aborts
 */
export async function connectDomain(request: ConnectDomainRequest): Promise<ConnectedDomain> {
  const { config, tidemark, clock, credentials: text, signal } = request;
  const credentials = parseCredentials(text);
  if (credentials.type !== 'service_account')
    throw new InvalidCredentialsError(
      "A whole domain needs a service account with domain-wide delegation; these credentials are one person's.",
      { remedy: { kind: 'connect-single' } },
    );
  const network = createUndiciTransport();
  try {
    const users = await usersOf(request, credentials, network.transport);
    const present = users.filter(({ leftOut }) => leftOut === null).map(({ mailbox }) => mailbox);
    const failed = new Map<MailboxId, TidemarkError>(
      await requireDelegation(present, request, credentials, network.transport),
    );
    const keys = await secretKeysOf(config, clock);
    const held = await readHeld(present, request, keys);
    for (const [mailbox, { error }] of held) if (error !== null) failed.set(mailbox, error);

    const running = await tidemark.client.running();
    const outcomes = new Map<MailboxId, Outcome>();
    const renamed = await renamedUsers(users, tidemark.store);
    const wanted = present.filter((mailbox) => !failed.has(mailbox) && !renamed.some(({ to }) => to === mailbox));
    for (let from = 0; from < wanted.length; from += SLICE) {
      signal.throwIfAborted();
      const slice = wanted.slice(from, from + SLICE);
      const done = await Promise.all(
        slice.map((mailbox) =>
          connectOne(mailbox, {
            ...request,
            keys,
            held: held.get(mailbox)?.kind ?? 'none',
            isRunning: running.has(mailbox),
          }),
        ),
      );
      for (const [index, mailbox] of slice.entries()) outcomes.set(mailbox, done[index] ?? 'running');
      request.onProgress?.(outcomes.size, wanted.length);
      if (!request.dryRun && done.includes('started') && from + SLICE < wanted.length) await clock.sleep(PAUSE, signal);
    }
    const which = (outcome: Outcome): MailboxId[] => present.filter((mailbox) => outcomes.get(mailbox) === outcome);
    return {
      started: which('started'),
      running: which('running'),
      stopped: which('stopped'),
      ownGrant: which('own-grant'),
      renamed,
      failed: [...failed].map(([mailbox, { message, remedy }]) => ({ mailbox, message, remedy })),
      leftOut: users.flatMap(({ mailbox, leftOut }) => (leftOut === null ? [] : [{ mailbox, reason: leftOut }])),
    };
  } finally {
    await network.close();
  }
}

/**
 * A stored mailbox whose address is now an alias of another user was probably renamed. It is not certain, since the
 * alias may come from a deleted account: `tidemark rename` compares messages with Google's.
 */
async function renamedUsers(users: readonly DirectoryUser[], store: MailboxRegistry): Promise<readonly RenamedUser[]> {
  const renamed: RenamedUser[] = [];
  for (const { mailbox: to, aliases, leftOut } of users) {
    if (leftOut !== null || aliases.length === 0 || (await store.getMailbox(to)) !== null) continue;
    for (const mailbox of aliases) if ((await store.getMailbox(mailbox)) !== null) renamed.push({ mailbox, to });
  }
  return renamed;
}

type Outcome = 'started' | 'running' | 'stopped' | 'own-grant';
type ServiceAccount = Extract<GoogleCredentials, { type: 'service_account' }>;

/** What the store holds for a mailbox, compared with the service account's credentials. */
interface Held {
  readonly kind: 'none' | 'same' | 'other' | 'own-grant';
  readonly error: SecretKeyError | InvalidCredentialsError | null;
}

/**
 * Reads all records before anything is written: with a wrong key, new mailboxes would be encrypted with another key
 * than the rest.
 */
async function readHeld(
  mailboxes: readonly MailboxId[],
  { tidemark, credentials, signal }: ConnectDomainRequest,
  keys: SecretKeys,
): Promise<ReadonlyMap<MailboxId, Held>> {
  const held = new Map<MailboxId, Held>();
  for (const mailbox of mailboxes) {
    signal.throwIfAborted();
    const record = await tidemark.credentials.get(mailbox);
    if (record === null) continue;
    try {
      const text = await keys.open(mailbox, record);
      const kind =
        parseCredentials(text).type === 'authorized_user' ? 'own-grant' : text === credentials ? 'same' : 'other';
      held.set(mailbox, { kind, error: null });
    } catch (error) {
      if (!(error instanceof SecretKeyError || error instanceof InvalidCredentialsError)) throw error;
      held.set(mailbox, { kind: 'other', error });
    }
  }
  const errors = [...held.values()].map(({ error }) => error);
  const [first] = errors;
  if (first !== undefined && first !== null && !errors.includes(null)) throw first;
  return held;
}

async function connectOne(
  mailbox: MailboxId,
  {
    tidemark,
    credentials: text,
    settings,
    dryRun,
    keys,
    held,
    isRunning,
  }: ConnectDomainRequest & { keys: SecretKeys; held: Held['kind']; isRunning: boolean },
): Promise<Outcome> {
  if (held === 'own-grant') return 'own-grant';
  const last = isRunning ? 'running' : await tidemark.client.lastRun(mailbox);
  // A removed mailbox has no credentials, and must not get new ones.
  if (last === 'ended' && held === 'none') return 'stopped';
  if (!dryRun && held !== 'same') {
    await tidemark.credentials.put(mailbox, { ...(await keys.seal(mailbox, text)), version: 0 });
    if (last === 'running') await tidemark.client.reconnect(mailbox);
  }
  if (last === 'running') return 'running';
  if (last === 'ended') return 'stopped';
  if (!dryRun) await tidemark.client.start(mailbox, settings);
  return 'started';
}

async function usersOf(
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
async function requireDelegation(
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
