// What examples need around them: a Temporal server, a simulated Gmail with mailboxes, a database.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Client } from 'pg';

import { connectMailbox } from '../src/accounts/connect-mailbox.ts';
import { openWithStores } from '../src/app/open-with-stores.ts';
import { loadConfig } from '../src/config/config.ts';
import { systemClock as clock } from '../src/host/system-clock.ts';
import { mailboxId } from '../src/model/ids.ts';
import { generateMail } from '../src/simulator/generate.ts';
import { startSimulatorServer } from '../src/simulator/server.ts';
import { Simulator } from '../src/simulator/simulator.ts';
import { findBinary, freePort, startDevServer } from '../src/temporal/dev-server/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Temporal and Gmail, with mailboxes connected or not; in PostgreSQL, or else SQLite. */
export type Around = 'connected' | 'connected, in PostgreSQL' | 'not connected';

/** Done at the end, in the opposite order. */
export type Undo = (() => unknown)[];

async function temporalServer(folder: string, undo: Undo): Promise<string> {
  const { address } = loadConfig().temporal;
  if (address !== null) return address;
  const server = await startDevServer({
    binary: await findBinary('temporal', { dataDir: join(root, '.tidemark'), clock, log: console.error }),
    database: null,
    namespace: 'default',
    port: await freePort(0),
    uiPort: null,
    logFile: join(folder, 'temporal.log'),
    clock,
  });
  undo.push(() => server.stop());
  return server.address;
}

/** A database of its own on the server that DATABASE_URL names. */
async function ownDatabase(undo: Undo): Promise<string> {
  const given = process.env['DATABASE_URL'] ?? '';
  if (!given.startsWith('postgres'))
    throw new Error(
      'This example needs PostgreSQL: set DATABASE_URL=postgres://…, with a role that may create databases. ' +
        'It creates one, and drops it at the end.',
    );
  const name = `tidemark_example_${process.pid}`;
  const ask = async (text: string): Promise<void> => {
    const server = new Client({ connectionString: given });
    await server.connect();
    try {
      await server.query(text);
    } finally {
      await server.end();
    }
  };
  await ask(`create database ${name}`);
  undo.push(() => ask(`drop database ${name} with (force)`));
  const url = new URL(given);
  url.pathname = `/${name}`;
  return url.href;
}

const SUBJECTS = ['Fresh fish', 'Minutes of Monday', 'Your order has shipped', 'Lunch?', 'Invoice 1997'];

/** A Gmail with three mailboxes. Mail arrives in the first one every four seconds. */
async function simulatedGmail(
  folder: string,
  undo: Undo,
): Promise<{ addresses: string[]; env: NodeJS.ProcessEnv; simulator: Simulator }> {
  const simulator = new Simulator({ clock, quota: { window: 'off' } });
  // Others may use the same Temporal server.
  const addresses = ['ada', 'bob', 'cleo'].map((name) => `${name}-${process.pid}@example.com`);
  const [first] = addresses.map((address) => {
    const mailbox = simulator.addMailbox(address);
    generateMail(mailbox, { messages: 40, now: clock.now() });
    return mailbox;
  });
  const server = await startSimulatorServer({ simulator, port: 0 });
  undo.push(() => server.close());
  let sent = 0;
  const arriving = setInterval(() => {
    const raw = `From: Bob <bob@example.com>\r\nSubject: ${SUBJECTS[sent % SUBJECTS.length]}\r\n\r\nHello\r\n`;
    sent += 1;
    first?.insert({ raw, labelIds: ['INBOX', 'UNREAD'] });
  }, 4_000);
  undo.push(() => clearInterval(arriving));
  const clientFile = join(folder, 'client.json');
  writeFileSync(clientFile, JSON.stringify(simulator.clientFile()));
  const env = {
    GMAIL_ROOT_URL: server.url,
    GOOGLE_TOKEN_URL: `${server.url}/token`,
    GOOGLE_AUTH_URL: `${server.url}/o/oauth2/v2/auth`,
    CLIENT_FILE: clientFile,
    MAILBOX: addresses[0],
  };
  return { addresses, env, simulator };
}

/**
 * Starts what an example needs.
 *
 * @param undo - gets what ends it
 * @returns the example's environment
 */
export async function startAround(around: Around, undo: Undo): Promise<NodeJS.ProcessEnv> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-example-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const gmail = await simulatedGmail(folder, undo);
  const env: NodeJS.ProcessEnv = {
    ...gmail.env,
    TIDEMARK_DATA_DIR: folder,
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn',
    TEMPORAL_ADDRESS: await temporalServer(folder, undo),
    TIDEMARK_TASK_QUEUE: `example-${process.pid}`,
    TIDEMARK_SECRET_KEY: randomBytes(32).toString('base64'),
    ...(around === 'connected, in PostgreSQL' ? { DATABASE_URL: await ownDatabase(undo) } : {}),
  };
  const config = loadConfig({ env: { ...process.env, ...env } });
  const tidemark = await openWithStores({ config });
  undo.push(async () => {
    for (const address of gmail.addresses)
      await tidemark.temporal.workflow
        .getHandle(`mailbox/${address}`)
        .terminate()
        .catch(() => undefined);
    await tidemark.close();
  });
  if (around !== 'not connected')
    for (const address of gmail.addresses) {
      const text = JSON.stringify(gmail.simulator.credentialsFor(address));
      await connectMailbox({ config, stores: tidemark, mailbox: mailboxId(address), text, verify: false, clock });
    }
  return env;
}
