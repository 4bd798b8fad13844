import { connectMailbox } from '../src/accounts/connect-mailbox.ts';
import { openWithStores, type TidemarkWithStores } from '../src/app/open-with-stores.ts';
import { loadConfig } from '../src/config/config.ts';
import { systemClock as clock } from '../src/host/system-clock.ts';
import { mailboxId, type MailboxId } from '../src/model/ids.ts';
import { generateMail } from '../src/simulator/generate.ts';
import type { GoogleSigner } from '../src/simulator/google-signer.ts';
import { startSimulatorServer } from '../src/simulator/server.ts';
import { Simulator } from '../src/simulator/simulator.ts';
import { InvalidRunError } from '../test/fixtures/measured/figure.ts';
import { startServerIn } from './dev-server.ts';
import type { Ends } from './in-folder.ts';

export interface BenchSystem {
  readonly simulator: Simulator;
  readonly gmailUrl: string;
  /** For programs. Their database is SQLite in the folder. */
  readonly env: NodeJS.ProcessEnv;
  /** Closes Gmail's server with all its connections, and opens it again so many ms later. The mail stays. */
  readonly interruptGmail: (milliseconds: number) => Promise<void>;
}

/**
 * A simulated Gmail in this process, and a Temporal server.
 *
 * @param options.temporalAddress - of a server that runs already; one is started when absent
 */
export async function openBenchSystem(
  folder: string,
  ends: Ends,
  { temporalAddress, ...options }: { readonly signer?: GoogleSigner; readonly temporalAddress?: string } = {},
): Promise<BenchSystem> {
  const simulator = new Simulator({ clock });
  let gmail = await startSimulatorServer({ simulator, port: 0, ...options });
  ends.push(() => gmail.close());
  const interruptGmail = async (milliseconds: number): Promise<void> => {
    const port = Number(new URL(gmail.url).port);
    await gmail.close();
    await clock.sleep(milliseconds);
    gmail = await startSimulatorServer({ simulator, port, ...options });
  };
  const address = temporalAddress ?? (await startTemporal(folder, ends));
  const env = {
    HOME: folder,
    TIDEMARK_DATA_DIR: folder,
    TEMPORAL_ADDRESS: address,
    GMAIL_ROOT_URL: gmail.url,
    GOOGLE_TOKEN_URL: `${gmail.url}/token`,
    LOG_LEVEL: 'warn',
  };
  return { simulator, gmailUrl: gmail.url, env, interruptGmail };
}

async function startTemporal(folder: string, ends: Ends): Promise<string> {
  const temporal = await startServerIn(folder, { database: null });
  ends.push(() => temporal.stop());
  return temporal.address;
}

/** Opens Tidemark with a program's environment. */
export async function openWith(env: NodeJS.ProcessEnv, ends: Ends): Promise<TidemarkWithStores> {
  const tidemark = await openWithStores({ config: loadConfig({ env }) });
  ends.push(() => tidemark.close());
  return tidemark;
}

/**
 * Connects and starts mailboxes of 20 messages each, and waits until they are in sync.
 *
 * @param options.pollInterval - ms; an hour when absent
 */
export async function startMailboxes(
  { simulator, env }: Pick<BenchSystem, 'simulator' | 'env'>,
  tidemark: TidemarkWithStores,
  count: number,
  { pollInterval = 3_600_000 }: { readonly pollInterval?: number } = {},
): Promise<readonly MailboxId[]> {
  const mailboxes = Array.from({ length: count }, (_, index) => mailboxId(`user-${index}@example.com`));
  for (const mailbox of mailboxes) {
    generateMail(simulator.addMailbox(mailbox), { messages: 20, now: clock.now() });
    await connectMailbox({
      config: loadConfig({ env }),
      stores: tidemark,
      mailbox,
      clock,
      text: JSON.stringify(simulator.credentialsFor(mailbox)),
      verify: false,
    });
    await tidemark.client.start(mailbox, { pollInterval });
  }
  for (const mailbox of mailboxes)
    await until(async () => (await tidemark.client.status(mailbox)).inSync === true, `${mailbox} is not in sync`, {
      within: 180_000,
    });
  return mailboxes;
}

/** A new message in the inbox of a simulated mailbox. */
export function insertMail(simulator: Simulator, mailbox: MailboxId, number: number): void {
  simulator.mailbox(mailbox).insert({
    raw: `From: bob@example.com\r\nSubject: message ${number}\r\n\r\nhello\r\n`,
    labelIds: ['INBOX', 'UNREAD'],
  });
}

/** Epoch ms at which the store first held a message stored after change `after`, to within about 5 ms. */
export async function storedAt({ client }: TidemarkWithStores, mailbox: MailboxId, after: number): Promise<number> {
  const began = performance.now();
  for (;;) {
    const { changes } = await client.readChanges(mailbox, { after });
    if (changes.some(({ kind }) => kind === 'stored')) return clock.now();
    if (performance.now() - began > 45_000) throw new InvalidRunError(`a message of ${mailbox} was not stored`);
    await clock.sleep(5);
  }
}

/** @throws {InvalidRunError} with the message, when the condition is not true `within` this many ms */
export async function until(
  condition: () => Promise<boolean>,
  message: string,
  { within = 60_000 }: { readonly within?: number } = {},
): Promise<void> {
  const began = performance.now();
  while (!(await condition())) {
    if (performance.now() - began > within) throw new InvalidRunError(message);
    await clock.sleep(100);
  }
}

/** The value below which a share of the times lies. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
