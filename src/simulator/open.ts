import { rmSync } from 'node:fs';
import { resolve } from 'node:path';

import { requireClock, type Clock } from '../model/clock.ts';
import { knownOptions, type OptionNames } from '../model/options.ts';
import type { PriceTable, PriceTableName } from '../model/prices.ts';
import { generateMail } from './generate.ts';
import { importMail } from './import-mail.ts';
import { JournalError, OTHER_MAILBOX } from './journal-error.ts';
import { MailFileError } from './mail-file-error.ts';
import { Journal, type JournalBeginning } from './journal.ts';
import { liveTraffic } from './live-traffic.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';
import type { QuotaEnforcement } from './quota-enforcement.ts';
import { GoogleSigner } from './google-signer.ts';
import { publishToEmulator, publishToEndpoint, type PushSubscription } from './publishing.ts';
import { KEYS_PATH, startSimulatorServer } from './server.ts';
import { Simulator, type SimulatorOptions } from './simulator.ts';
import type { AuthorizedUser } from './tokens.ts';

interface Serving {
  /** 0 takes a free port. */
  readonly port: number;
  /** Loopback when not given. */
  readonly host?: string;
  /** See {@link startSimulatorServer}. */
  readonly allowedHosts?: readonly string[];
  readonly clock: Clock;
  readonly prices?: PriceTableName | PriceTable;
  readonly quota?: QuotaEnforcement;
  readonly lenient?: SimulatorOptions['lenient'];
}

/** What a simulator serves, and where. */
export interface SimulateRequest extends Serving {
  /** The mailboxes' addresses. */
  readonly emails: readonly string[];
  /** Generated messages in each mailbox. */
  readonly messages: number;
  /** An mbox file or a folder of `.eml` files, in place of generated mail; null generates mail. */
  readonly mbox: string | null;
  /** A push endpoint that receives the notifications. */
  readonly push?: PushSubscription | null;
  /** Address of a Pub/Sub emulator that receives the notifications: `PUBSUB_EMULATOR_HOST`. */
  readonly emulatorHost?: string | null;
}

const REQUEST: OptionNames<SimulateRequest> = {
  port: true,
  host: true,
  allowedHosts: true,
  clock: true,
  prices: true,
  quota: true,
  lenient: true,
  emails: true,
  messages: true,
  mbox: true,
  push: true,
  emulatorHost: true,
};

/** A mailbox of a served simulator, with the credentials that open it. */
export interface ServedMailbox {
  /** Its address. */
  readonly email: string;
  /** How many messages it has. */
  readonly messages: number;
  /** What `connect` takes. */
  readonly credentials: AuthorizedUser;
}

/** A simulator that answers over HTTP. */
export interface ServedSimulator {
  /** `http://host:port`, for `GMAIL_ROOT_URL`. Tokens are at `/token` below it. */
  readonly url: string;
  /** URL of the keys that verify push requests; null when there are no keys. */
  readonly keysUrl: string | null;
  /** The mailboxes, in the order in which they were asked for. */
  readonly mailboxes: readonly ServedMailbox[];
  /** Ends the simulator, which forgets its mail. */
  close(): Promise<void>;
}

/**
 * Serves a simulator with mailboxes over HTTP. The simulator forgets everything when it closes.
 *
 * @param request - the mailboxes, the mail in them, and where it listens
 * @returns the simulator that answers; close it in the end
 * @throws {UsageError} when an option is unknown, or the clock is missing
 * @throws {TidemarkError} when the file or folder of mail is not there, or is neither an mbox file nor holds `.eml`
 * files
 * @throws {Error} when the port is taken or the mail cannot be read
 */
export async function openSimulator(request: SimulateRequest): Promise<ServedSimulator> {
  const { emails, messages, mbox } = knownOptions('openSimulator', request, REQUEST);
  const clock = requireClock('openSimulator', request.clock);
  const simulator = new Simulator({ clock, prices: request.prices, quota: request.quota, lenient: request.lenient });
  const mailboxes: ServedMailbox[] = [];
  for (const email of emails) {
    const filled = await fill(simulator.addMailbox(email), { createdAt: clock.now(), messages, mbox });
    mailboxes.push({ email, messages: filled, credentials: simulator.credentialsFor(email) });
  }
  const { push = null, emulatorHost = null } = request;
  const signer = push === null ? undefined : await GoogleSigner.create(clock);
  const server = await startSimulatorServer({
    simulator,
    port: request.port,
    host: request.host,
    allowedHosts: request.allowedHosts,
    signer,
  });
  const ends: (() => void)[] = [];
  if (push !== null && signer !== undefined) ends.push(publishToEndpoint({ simulator, signer, subscription: push }));
  if (emulatorHost !== null) ends.push(publishToEmulator({ simulator, host: emulatorHost }));
  return {
    url: server.url,
    keysUrl: signer === undefined ? null : `${server.url}${KEYS_PATH}`,
    mailboxes,
    close: async () => {
      for (const end of ends) end();
      await server.close();
    },
  };
}

export interface LastingRequest extends Serving {
  /** Path of the mailbox's journal. When the file exists, it overrides `begin`. */
  readonly journal: string;
  readonly begin: Pick<JournalBeginning, 'email' | 'messages' | 'mbox'>;
  /** Milliseconds between two changes on average. */
  readonly everyMs: number;
}

export interface LastingSimulator extends ServedSimulator {
  readonly beginning: JournalBeginning;
  /** Continues the changes of earlier runs and reports each in a sentence; resolves once the signal aborts. */
  liveTraffic(options: { signal: AbortSignal; onChange: (sentence: string) => void }): Promise<void>;
}

/**
 * A simulated mailbox that survives a restart: with the same mail, ids and history, including the changes of its live
 * traffic. Changes made through the control API are not remembered.
 *
 * @throws {JournalError} when the journal cannot be used, or the mail that it names is gone
 * @throws {MailFileError} when the mail of a new journal cannot be imported
 */
export async function openLastingSimulator(request: LastingRequest): Promise<LastingSimulator> {
  const { begin } = request;
  const mbox = begin.mbox === null ? null : resolve(begin.mbox);
  const journal = Journal.open({ path: request.journal, clock: request.clock, begin: { ...begin, mbox } });
  const { beginning } = journal;
  const simulator = new Simulator({
    clock: journal,
    prices: request.prices,
    quota: request.quota,
    lenient: request.lenient,
  });
  await fillFrom(journal, simulator.addMailbox(beginning.email), request.journal);
  journal.begun();
  const stopped = new AbortController();
  const changes = liveTraffic({
    simulator,
    email: beginning.email,
    clock: journal,
    signal: stopped.signal,
    everyMs: request.everyMs,
  });
  while (journal.replays) {
    await changes.next();
    journal.stepDone();
  }
  const credentials = simulator.credentialsFor(beginning.email);
  const messages = [...simulator.mailbox(beginning.email).all()].length;
  const server = await startSimulatorServer({
    simulator,
    port: request.port,
    host: request.host,
    allowedHosts: request.allowedHosts,
  });
  return {
    url: server.url,
    keysUrl: null,
    beginning,
    mailboxes: [{ email: beginning.email, messages, credentials }],
    liveTraffic: async ({ signal, onChange }) => {
      signal.addEventListener('abort', () => stopped.abort(), { once: true });
      if (signal.aborted) stopped.abort();
      for await (const sentence of changes) {
        journal.stepDone();
        onChange(sentence);
      }
    },
    close: () => server.close(),
  };
}

/**
 * Imports or generates what a journal begins with. A new journal whose file cannot be imported is removed, because the
 * next run would ask for the same file. An older journal stays: when its file is gone, only the journal knows the path.
 */
async function fillFrom({ beginning, isNew }: Journal, mailbox: SimulatedMailbox, path: string): Promise<void> {
  try {
    await fill(mailbox, beginning);
  } catch (error) {
    if (isNew) rmSync(path, { force: true });
    if (isNew || !(error instanceof MailFileError)) throw error;
    throw new JournalError(
      `The mail of ${beginning.email} was imported from ${beginning.mbox ?? 'a file'}, ` +
        `which cannot be read as it was. Put it back, or ${OTHER_MAILBOX}`,
      { cause: error },
    );
  }
}

async function fill(
  mailbox: SimulatedMailbox,
  { createdAt, messages, mbox }: Pick<JournalBeginning, 'createdAt' | 'messages' | 'mbox'>,
): Promise<number> {
  if (mbox !== null) return importMail({ mailbox, path: mbox });
  generateMail(mailbox, { messages, now: createdAt });
  return messages;
}
