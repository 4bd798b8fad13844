// npm run example -- NAME: runs an example and what it needs (a Temporal server, a simulated Gmail with mailboxes, a
// database), which is removed afterwards.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
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

interface Example {
  /** Arguments of Node, which runs in the examples' folder. */
  readonly program: readonly string[];
  /** What it needs: nothing, or Temporal and Gmail, with mailboxes connected or not; in PostgreSQL, or else SQLite. */
  readonly around: 'nothing' | 'connected' | 'connected, in PostgreSQL' | 'not connected';
}

const EXAMPLES: Readonly<Record<string, Example>> = {
  'new-mail-page': { program: ['new-mail-page/main.ts'], around: 'connected' },
  'own-tables': { program: ['own-tables/main.ts'], around: 'connected, in PostgreSQL' },
  'customer-consent': { program: ['customer-consent/main.ts'], around: 'not connected' },
  'webhook-receiver': { program: ['webhook-receiver/main.ts'], around: 'nothing' },
  'test-your-code': { program: ['--test', 'test-your-code/archive-newsletters.test.ts'], around: 'nothing' },
};

/** Undone in the opposite order. */
const undo: (() => unknown)[] = [];

async function temporalServer(folder: string): Promise<string> {
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
async function ownDatabase(): Promise<string> {
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

/** Starts what the example needs. @returns the example's environment */
async function surroundings({ around }: Example): Promise<NodeJS.ProcessEnv> {
  if (around === 'nothing') return {};
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-example-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const gmail = await simulatedGmail(folder);
  const env: NodeJS.ProcessEnv = {
    ...gmail.env,
    TIDEMARK_DATA_DIR: folder,
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn',
    TEMPORAL_ADDRESS: await temporalServer(folder),
    TIDEMARK_TASK_QUEUE: `example-${process.pid}`,
    TIDEMARK_SECRET_KEY: randomBytes(32).toString('base64'),
    ...(around === 'connected, in PostgreSQL' ? { DATABASE_URL: await ownDatabase() } : {}),
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

/** Runs the example until it ends, or is ended by Ctrl-C. @returns its exit code */
async function run({ program }: Example, env: NodeJS.ProcessEnv): Promise<number> {
  const imports = ['--import', join(root, 'scripts/from-source.mjs'), '--import', join(root, 'scripts/lifeline.mjs')];
  const child = spawn(process.execPath, [...imports, ...program], {
    cwd: join(root, 'examples'),
    env: { ...process.env, ...env },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // A terminal sends SIGINT to the example as well: this process only waits for its end.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

const name = process.argv[2] ?? '';
const example = EXAMPLES[name];
if (example === undefined) {
  console.error(`Usage: npm run example -- NAME, where NAME is one of ${Object.keys(EXAMPLES).join(', ')}`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await run(example, await surroundings(example));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
  for (const step of undo.toReversed()) await step();
}
