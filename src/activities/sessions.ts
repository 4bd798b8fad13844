import { ByteRoom } from '../gmail/quota/byte-room.ts';
import { parseCredentials } from '../gmail/access/credentials.ts';
import type { GmailApi, GmailSession } from '../gmail/api/gmail-api.ts';
import { createGoogleGmail } from '../gmail/api/google-gmail.ts';
import { withinReach } from '../gmail/api/history-reach.ts';
import { Pacer } from '../gmail/quota/pacer.ts';
import type { QuotaLedger } from '../model/quota-ledger.ts';
import { requireScopes, scopesOf } from '../gmail/access/scopes.ts';
import { createGmailSession } from '../gmail/quota/session.ts';
import type { TokenProvider } from '../gmail/access/token-provider.ts';
import { createTokenSource } from '../gmail/access/create-token-source.ts';
import type { MailboxCredentials } from '../gmail/access/way-to-tokens.ts';
import type { TokenSource } from '../gmail/api/token-source.ts';
import type { Transport } from '../gmail/api/transport.ts';
import type { Clock } from '../model/clock.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { PriceTable } from '../model/prices.ts';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../model/settings.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { MailboxAccounts } from '../store/mailboxes/mailbox-accounts.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { SecretKeys } from '../secrets/secret-keys.ts';
import { NotConnectedError, type SessionRequest } from './dependencies.ts';
import { requireAccount } from './require-account.ts';
import { SameAccountTokens } from './same-account-tokens.ts';
import { replayFrom } from './settling.ts';

export interface SessionFactoryOptions {
  readonly store: MailboxRegistry & SpentUnits & MailboxAccounts & QuotaLedger;
  readonly credentials: CredentialStore;
  readonly secretKeys: Pick<SecretKeys, 'open'>;
  /** Gives tokens in place of stored credentials. */
  readonly tokenProvider?: TokenProvider | undefined;
  readonly transport: Transport;
  /** Where a mailbox's Gmail is; that of a simulated mailbox may move. */
  readonly googleOf: (mailbox: MailboxId) => GoogleAddresses;
  readonly prices: PriceTable;
  /** The part of each user's quota that Tidemark may use, in (0, 1]; all of it when not given. */
  readonly userShare?: number;
  readonly clock: Clock;
  readonly telemetry?: Telemetry | undefined;
}

export interface GoogleAddresses {
  /** GMAIL_ROOT_URL */
  readonly rootUrl: string;
  /** Where grants are refreshed: GOOGLE_TOKEN_URL. */
  readonly tokenUrl: string;
}

/** The version of a provider's tokens. Versions of stored credentials begin at 1. */
const PROVIDED = 0;

/** What this process keeps for one mailbox: its client with the access token, and the pacer that both lanes share. */
interface Connection {
  readonly version: number;
  /** The scopes of its tokens. Changed settings may need others. */
  readonly scopes: readonly string[];
  readonly google: GoogleAddresses;
  readonly api: GmailApi;
  readonly pacer: Pacer;
  /** The provider's tokens; null where credentials are stored, whose version changes with them. */
  readonly provided: SameAccountTokens | null;
  /** The check of its account that is under way; null when there is none. */
  checking: Promise<void> | null;
}

/** The most connections that are kept. What must not be forgotten is in the store's ledger. */
const REMEMBERED = 2_000;

/**
 * Opens sessions for the activities of one worker. New credentials (a higher version) replace the client at the next
 * session.
 */
export function createSessionFactory(
  options: SessionFactoryOptions,
): (request: SessionRequest) => Promise<GmailSession> {
  const { store, prices, clock, telemetry } = options;
  const connections = new Connections(options);
  const room = new ByteRoom();
  // Gmail is asked only until it has answered: an answer without a date leaves the clock unset, and so would the next
  // one.
  let hasAnswered = false;
  const ask = async (session: GmailSession, signal: AbortSignal | undefined): Promise<void> => {
    await requireServed(session, signal);
    hasAnswered = true;
  };

  return async ({ mailbox, lane, settings, ask: question, signal, ...wanted }) => {
    const row = await store.getMailbox(mailbox);
    const connection = await connections.open(mailbox, settings ?? row?.settings ?? DEFAULT_SETTINGS);
    const { pacer } = connection;
    const reached = row === null ? null : reachedBy(row);
    const api = withinReach(connection.api, { mailbox, reached });
    const paced = { api, mailbox, lane, ledger: store, prices, clock, pacer, room, telemetry, ...wanted };
    if (question !== undefined) await ask(createGmailSession({ ...paced, once: true }), question.signal);
    const session = createGmailSession(paced);
    if (!hasAnswered && clock.isSet === false) await ask(session, signal);
    // A mailbox that the store does not know has nothing to lose, so it needs no check.
    if (row !== null) await check({ store, clock, session, row }, connection);
    return session;
  };
}

/** A history id that the mailbox is known to have reached; null before its first full sync has begun. */
const reachedBy = (row: MailboxRow): HistoryId | null =>
  row.historyId === null ? (row.fullSync?.startHistoryId ?? null) : replayFrom(row, row.historyId);

/** @throws {GmailError} when Gmail does not serve the mailbox */
async function requireServed(session: GmailSession, signal: AbortSignal | undefined): Promise<void> {
  try {
    await session.getProfile(signal);
  } finally {
    await session.flush();
  }
}

/** Both lanes begin at once and share one check. */
async function check(request: SessionCheck, connection: Connection): Promise<void> {
  connection.checking ??= checkAccount(request, connection).finally(() => {
    connection.checking = null;
  });
  await connection.checking;
}

type SessionCheck = Omit<Parameters<typeof requireAccount>[0], 'version' | 'opens'> & {
  readonly session: GmailSession;
};

async function checkAccount(request: SessionCheck, { version, provided }: Connection): Promise<void> {
  try {
    await requireAccount({ ...request, version, opens: (await provided?.account()) ?? null });
  } finally {
    await request.session.flush();
  }
}

/** The credentials by which a mailbox is read now, and their version. */
interface Access {
  readonly version: number;
  readonly read: () => Promise<MailboxCredentials>;
}

interface Connecting extends Pick<Connection, 'version' | 'scopes' | 'google'> {
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  readonly credentials: MailboxCredentials;
}

/** The connections of this process. The mailbox that was connected first is forgotten first. */
class Connections {
  readonly #options: SessionFactoryOptions;
  readonly #byMailbox = new Map<MailboxId, Connection>();

  constructor(options: SessionFactoryOptions) {
    this.#options = options;
  }

  /** The mailbox's connection; a new one when its credentials, or the scopes that its settings need, have changed. */
  async open(mailbox: MailboxId, settings: MailboxSettings): Promise<Connection> {
    const { version, read } = await this.#accessOf(mailbox);
    const scopes = scopesOf(settings);
    const google = this.#options.googleOf(mailbox);
    const current = (): Connection | null => {
      const known = this.#byMailbox.get(mailbox);
      if (known?.version !== version || known.scopes.join() !== scopes.join()) return null;
      return isSame(known.google, google) && known.provided?.hasMoved !== true ? known : null;
    };
    const known = current();
    if (known !== null) return known;
    const credentials = await read();
    // The other lane may have opened the connection meanwhile. Both share the tokens and the pacer.
    return current() ?? this.#connect({ mailbox, settings, version, scopes, google, credentials });
  }

  async #accessOf(mailbox: MailboxId): Promise<Access> {
    const { tokenProvider: provider, credentials, secretKeys } = this.#options;
    if (provider !== undefined) return { version: PROVIDED, read: async () => ({ type: 'token_provider', provider }) };
    const record = await credentials.get(mailbox);
    if (record === null) throw new NotConnectedError(`${mailbox} has no credentials`);
    return {
      version: record.version,
      read: async () => parseCredentials(await secretKeys.open(mailbox, record)),
    };
  }

  #connect({ mailbox, settings, version, scopes, google, credentials }: Connecting): Connection {
    if (credentials.type === 'authorized_user') requireScopes(mailbox, credentials.scopes, settings);
    const { store, prices, clock, userShare, transport } = this.#options;
    const { rootUrl, tokenUrl } = google;
    const clientWith = (tokens: TokenSource): GmailApi =>
      createGoogleGmail({ mailbox, tokens, transport, rootUrl, clock });
    const known = this.#byMailbox.get(mailbox);
    const tokens = createTokenSource({ credentials, mailbox, tokenUrl, scopes, transport, clock });
    const provided =
      credentials.type !== 'token_provider'
        ? null
        : (reusable(known, google) ?? new SameAccountTokens({ mailbox, tokens, clientWith }));
    const connection: Connection = {
      version,
      scopes,
      google,
      api: clientWith(provided ?? tokens),
      checking: null,
      provided,
      pacer: known?.pacer ?? new Pacer({ mailbox, ledger: store, prices, clock, share: userShare }),
    };
    this.#keep(mailbox, connection);
    return connection;
  }

  #keep(mailbox: MailboxId, connection: Connection): void {
    const [oldest] = this.#byMailbox.keys();
    if (this.#byMailbox.size >= REMEMBERED && oldest !== undefined) this.#byMailbox.delete(oldest);
    this.#byMailbox.set(mailbox, connection);
  }
}

/**
 * The provider's tokens that a new connection takes over, so that the provider is asked once at a time. They do not
 * depend on the settings.
 */
const reusable = (known: Connection | undefined, google: GoogleAddresses): SameAccountTokens | null =>
  known !== undefined && isSame(known.google, google) && known.provided?.hasMoved === false ? known.provided : null;

const isSame = (a: GoogleAddresses, b: GoogleAddresses): boolean =>
  a.rootUrl === b.rootUrl && a.tokenUrl === b.tokenUrl;
