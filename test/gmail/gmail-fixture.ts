import { parseCredentials } from '../../src/gmail/access/credentials.ts';
import type { Lane } from '../../src/model/lane.ts';
import type { GmailApi, GmailSession } from '../../src/gmail/api/gmail-api.ts';
import { createGoogleGmail } from '../../src/gmail/api/google-gmail.ts';
import { Pacer } from '../../src/gmail/quota/pacer.ts';
import { createGmailSession, type GmailSessionOptions } from '../../src/gmail/quota/session.ts';
import type { TokenSource } from '../../src/gmail/api/token-source.ts';
import { createTokenSource } from '../../src/gmail/access/create-token-source.ts';
import type { Transport } from '../../src/gmail/api/transport.ts';
import type { Clock } from '../../src/model/clock.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { PRICE_TABLES, type PriceTable } from '../../src/model/prices.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import type { QuotaEnforcement } from '../../src/simulator/quota-enforcement.ts';
import { createVirtualClock, type VirtualClock } from '../virtual-clock.ts';
import { createMemoryLedger, type MemoryLedger } from './memory-ledger.ts';

export const ADA = mailboxId('ada@example.com');

export interface GmailFixture {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly mailbox: ReturnType<Simulator['addMailbox']>;
  readonly tokens: TokenSource;
  readonly api: GmailApi;
}

/** One mailbox at a simulated Gmail, and a client of it, all in this process and under a virtual clock. */
export function openGmail(
  options: {
    quota?: QuotaEnforcement;
    latencyMs?: number;
    transport?: (simulator: Simulator) => Transport;
    clock?: VirtualClock;
    timeoutMs?: number;
  } = {},
): GmailFixture {
  const clock = options.clock ?? createVirtualClock();
  const simulator = new Simulator({ clock, quota: options.quota, latencyMs: options.latencyMs });
  const mailbox = simulator.addMailbox(ADA);
  const transport = options.transport?.(simulator) ?? simulator.transport;
  const tokens = tokensOf(simulator, clock, transport);
  const api = createGoogleGmail({
    mailbox: ADA,
    tokens,
    transport,
    rootUrl: simulator.rootUrl,
    clock,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  });
  return { clock, simulator, mailbox, tokens, api };
}

export function tokensOf(simulator: Simulator, clock: Clock, transport: Transport = simulator.transport): TokenSource {
  return createTokenSource({
    credentials: parseCredentials(JSON.stringify(simulator.credentialsFor(ADA))),
    mailbox: ADA,
    tokenUrl: `${simulator.rootUrl}/token`,
    scopes: [],
    transport,
    clock,
  });
}

/** The real prices with another limit for the user. */
export const pricesAt = (userUnitsPerMinute: number): PriceTable => ({ ...PRICE_TABLES['2026'], userUnitsPerMinute });

export interface SessionFixture {
  readonly ledger: MemoryLedger;
  readonly prices: PriceTable;
  /** As another worker would after a crash: a new pacer over the same ledger. */
  readonly openPacer: (share?: number) => Pacer;
  readonly open: (lane: Lane, options?: Partial<GmailSessionOptions>) => GmailSession;
}

export function openSessions(
  { api, clock }: Pick<GmailFixture, 'api' | 'clock'>,
  prices: PriceTable,
  share?: number,
): SessionFixture {
  const ledger = createMemoryLedger();
  const openPacer = (part = share): Pacer => new Pacer({ mailbox: ADA, ledger, prices, clock, share: part });
  const pacer = openPacer();
  return {
    ledger,
    prices,
    openPacer,
    open: (lane, options) => createGmailSession({ api, mailbox: ADA, lane, ledger, prices, clock, pacer, ...options }),
  };
}

const FIRST_DATE = Date.UTC(2026, 10, 1);

/** Inserts messages a second apart, newest last; answers their ids. */
export function fill({ mailbox }: Pick<GmailFixture, 'mailbox'>, count: number, text = 'Hello'): string[] {
  return Array.from({ length: count }, (_, index) => {
    const raw = `From: Bob <bob@example.com>\r\nTo: Ada <${ADA}>\r\nSubject: Note ${index}\r\n\r\n${text}\r\n`;
    return mailbox.insert({ raw, labelIds: ['INBOX'], internalDate: FIRST_DATE + index * 1_000 }).id;
  });
}
