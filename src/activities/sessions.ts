import { ByteRoom } from '../gmail/byte-room.ts';
import { parseCredentials } from '../gmail/credentials.ts';
import type { GmailApi, GmailSession } from '../gmail/gmail-api.ts';
import { createGoogleGmail } from '../gmail/google-gmail.ts';
import { Pacer } from '../gmail/pacer.ts';
import type { QuotaLedger } from '../gmail/quota-ledger.ts';
import { requireScopes, scopesOf } from '../gmail/scopes.ts';
import { createGmailSession } from '../gmail/session.ts';
import { createTokenSource } from '../gmail/token-source.ts';
import type { Transport } from '../gmail/transport.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { PriceTable } from '../model/prices.ts';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../model/settings.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { CredentialStore } from '../store/credential-store.ts';
import type { MailboxStore } from '../store/mailbox-store.ts';
import type { SecretKeys } from '../store/secret-keys.ts';
import { NotConnectedError, type SessionRequest } from './dependencies.ts';

export interface SessionFactoryOptions {
  readonly store: MailboxStore & QuotaLedger;
  readonly credentials: CredentialStore;
  readonly secretKeys: Pick<SecretKeys, 'open'>;
  readonly transport: Transport;
  /** Where Gmail is: GMAIL_ROOT_URL. */
  readonly rootUrl: string;
  /** Where grants are refreshed: GOOGLE_TOKEN_URL. */
  readonly tokenUrl: string;
  readonly prices: PriceTable;
  /** Part of each user's quota that is ours, in (0, 1]; all when not given. */
  readonly userShare?: number;
  readonly clock: Clock;
  readonly telemetry?: Telemetry | undefined;
}

/** What this process keeps of one mailbox: its client with the access token, and the pacer that both lanes share. */
interface Connection {
  readonly version: number;
  /** What its tokens are for: changed settings may need others. */
  readonly scopes: readonly string[];
  readonly api: GmailApi;
  readonly pacer: Pacer;
}

/** Mailboxes whose tokens and pace are remembered; the ledger in the store keeps what must not be forgotten. */
const REMEMBERED = 2_000;

/** Opens sessions for the activities of one worker. New credentials (a higher version) replace the client at the next session. */
export function createSessionFactory(options: SessionFactoryOptions): (request: SessionRequest) => Promise<GmailSession> {
  const { store, prices, clock, telemetry } = options;
  const connections = new Map<MailboxId, Connection>();
  const room = new ByteRoom();

  return async ({ mailbox, lane, settings, onWait, ask }) => {
    const { api, pacer } = await connect(mailbox, settings);
    const session = { api, mailbox, lane, ledger: store, prices, clock, pacer, room, onWait, telemetry };
    if (ask !== undefined) await isServed(createGmailSession({ ...session, once: true }), ask.signal);
    return createGmailSession(session);
  };

  async function isServed(session: GmailSession, signal: AbortSignal): Promise<void> {
    try {
      await session.getProfile(signal);
    } finally {
      await session.flush();
    }
  }

  async function connect(mailbox: MailboxId, wanted: MailboxSettings | undefined): Promise<Connection> {
    const record = await options.credentials.get(mailbox);
    if (record === null) throw new NotConnectedError(`${mailbox} has no credentials`);
    const known = connections.get(mailbox);
    const settings = wanted ?? (await store.getMailbox(mailbox))?.settings ?? DEFAULT_SETTINGS;
    const scopes = scopesOf(settings);
    if (known?.version === record.version && known.scopes.join() === scopes.join()) return known;
    const credentials = parseCredentials(await options.secretKeys.open(mailbox, record));
    if (credentials.type === 'authorized_user') requireScopes(mailbox, credentials.scopes, settings);
    const { transport, tokenUrl, rootUrl } = options;
    const tokens = createTokenSource({ credentials, mailbox, tokenUrl, scopes, transport, clock });
    const connection: Connection = {
      version: record.version,
      scopes,
      api: createGoogleGmail({ mailbox, tokens, transport, rootUrl, clock }),
      pacer: known?.pacer ?? new Pacer({ mailbox, ledger: store, prices, clock, share: options.userShare }),
    };
    const [oldest] = connections.keys();
    if (connections.size >= REMEMBERED && oldest !== undefined) connections.delete(oldest);
    connections.set(mailbox, connection);
    return connection;
  }
}
