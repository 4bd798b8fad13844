import { ByteRoom } from '../gmail/quota/byte-room.ts';
import { parseCredentials } from '../gmail/access/credentials.ts';
import type { GmailApi, GmailSession } from '../gmail/api/gmail-api.ts';
import { createGoogleGmail } from '../gmail/api/google-gmail.ts';
import { Pacer } from '../gmail/quota/pacer.ts';
import type { QuotaLedger } from '../model/quota-ledger.ts';
import { requireScopes, scopesOf } from '../gmail/access/scopes.ts';
import { createGmailSession } from '../gmail/quota/session.ts';
import { createTokenSource } from '../gmail/access/create-token-source.ts';
import type { Transport } from '../gmail/api/transport.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { PriceTable } from '../model/prices.ts';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../model/settings.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { MailboxAccounts } from '../store/mailboxes/mailbox-accounts.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { SecretKeys } from '../secrets/secret-keys.ts';
import { NotConnectedError, type SessionRequest } from './dependencies.ts';
import { requireAccount } from './require-account.ts';

export interface SessionFactoryOptions {
  readonly store: MailboxRegistry & SpentUnits & MailboxAccounts & QuotaLedger;
  readonly credentials: CredentialStore;
  readonly secretKeys: Pick<SecretKeys, 'open'>;
  readonly transport: Transport;
  /** Where a mailbox's Gmail is; that of a simulated mailbox may move. */
  readonly googleOf: (mailbox: MailboxId) => GoogleAddresses;
  readonly prices: PriceTable;
  /** Part of each user's quota that is ours, in (0, 1]; all when not given. */
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

/** What this process keeps for one mailbox: its client with the access token, and the pacer that both lanes share. */
interface Connection {
  readonly version: number;
  /** The scopes of its tokens. Changed settings may need others. */
  readonly scopes: readonly string[];
  readonly google: GoogleAddresses;
  readonly api: GmailApi;
  readonly pacer: Pacer;
  /** The check of its account that is under way. */
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

  return async ({ mailbox, lane, settings, onWait, ask }) => {
    const row = await store.getMailbox(mailbox);
    const connection = await connections.open(mailbox, settings ?? row?.settings ?? DEFAULT_SETTINGS);
    const { api, pacer } = connection;
    const paced = { api, mailbox, lane, ledger: store, prices, clock, pacer, room, onWait, telemetry };
    if (ask !== undefined) await isServed(createGmailSession({ ...paced, once: true }), ask.signal);
    const session = createGmailSession(paced);
    // A mailbox that the store does not know has nothing to lose, so it needs no check.
    if (row !== null) await check({ store, clock, session, row }, connection);
    return session;
  };
}

async function isServed(session: GmailSession, signal: AbortSignal): Promise<void> {
  try {
    await session.getProfile(signal);
  } finally {
    await session.flush();
  }
}

/** Both lanes begin at once and share one check. */
async function check(request: AccountCheck, connection: Connection): Promise<void> {
  connection.checking ??= checkAccount(request, connection.version).finally(() => {
    connection.checking = null;
  });
  await connection.checking;
}

type AccountCheck = Omit<Parameters<typeof requireAccount>[0], 'version'> & { readonly session: GmailSession };

async function checkAccount(request: AccountCheck, version: number): Promise<void> {
  try {
    await requireAccount({ ...request, version });
  } finally {
    await request.session.flush();
  }
}

/** What this process keeps for its mailboxes; the one that was connected first is forgotten first. */
class Connections {
  readonly #options: SessionFactoryOptions;
  readonly #byMailbox = new Map<MailboxId, Connection>();

  constructor(options: SessionFactoryOptions) {
    this.#options = options;
  }

  /** The mailbox's connection; a new one when its credentials, or the scopes that its settings need, have changed. */
  async open(mailbox: MailboxId, settings: MailboxSettings): Promise<Connection> {
    const record = await this.#options.credentials.get(mailbox);
    if (record === null) throw new NotConnectedError(`${mailbox} has no credentials`);
    const known = this.#byMailbox.get(mailbox);
    const scopes = scopesOf(settings);
    const google = this.#options.googleOf(mailbox);
    if (known?.version === record.version && known.scopes.join() === scopes.join() && isSame(known.google, google))
      return known;
    const credentials = parseCredentials(await this.#options.secretKeys.open(mailbox, record));
    if (credentials.type === 'authorized_user') requireScopes(mailbox, credentials.scopes, settings);
    const { store, prices, clock, userShare, transport } = this.#options;
    const { rootUrl, tokenUrl } = google;
    const tokens = createTokenSource({ credentials, mailbox, tokenUrl, scopes, transport, clock });
    const connection: Connection = {
      version: record.version,
      scopes,
      google,
      api: createGoogleGmail({ mailbox, tokens, transport, rootUrl, clock }),
      checking: null,
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

const isSame = (a: GoogleAddresses, b: GoogleAddresses): boolean =>
  a.rootUrl === b.rootUrl && a.tokenUrl === b.tokenUrl;
