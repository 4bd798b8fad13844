import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { connectMailbox } from '../src/accounts/connect-mailbox.ts';
import { loadConfig } from '../src/config/config.ts';
import { mailboxId } from '../src/model/ids.ts';
import { openTidemark, type Tidemark } from '../src/app/open-tidemark.ts';
import { generateMail } from '../src/simulator/generate.ts';
import { GoogleSigner } from '../src/simulator/google-signer.ts';
import { publishToEndpoint } from '../src/simulator/publishing.ts';
import { KEYS_PATH, startSimulatorServer } from '../src/simulator/server.ts';
import { Simulator } from '../src/simulator/simulator.ts';
import { systemClock as clock } from '../src/host/system-clock.ts';
import { findBinary, freePort, startDevServer } from '../src/temporal/dev-server/index.ts';
import { InvalidRunError, type Bench } from '../test/fixtures/measured/figure.ts';
import { load, startProgram } from './bench-processes.ts';

const MAILBOXES = 20;
const PER_SECOND = 10;
const NOTIFICATIONS = 300;
const AUDIENCE = 'https://push.example.com/push';
const SERVICE_ACCOUNT = 'push@my-project.iam.gserviceaccount.com';

/**
 * Mail arrives in simulated mailboxes, the simulator posts notifications to `tidemark push` as Pub/Sub does, and a
 * worker stores the messages. Temporal, push and worker are separate processes. A mailbox gets one message every two
 * seconds, because Gmail sends at most one notification a second.
 */
export const pushLatency: Bench = {
  name: 'push',
  about: `notification to stored message, ${PER_SECOND} notifications/s over ${MAILBOXES} mailboxes`,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-push-'));
    const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
    try {
      const times = await measure(folder, ends);
      const sorted = times.toSorted((a, b) => a - b);
      const at = (share: number): number =>
        sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
      return [
        {
          name: 'push notification to stored message, p50',
          value: at(0.5),
          unit: 'ms',
          bound: { is: 'at most', value: 250 },
          note: load(),
        },
        {
          name: 'push notification to stored message, p99',
          value: at(0.99),
          unit: 'ms',
          bound: { is: 'at most', value: 1_000 },
          note: `slowest ${sorted.at(-1)?.toFixed(0)} ms of ${sorted.length}`,
        },
      ];
    } finally {
      for (const end of ends.toReversed()) await end();
    }
  },
};

async function measure(folder: string, ends: (() => unknown)[]): Promise<number[]> {
  const simulator = new Simulator({ clock });
  const signer = await GoogleSigner.create(clock);
  const gmail = await startSimulatorServer({ simulator, port: 0, signer });
  ends.push(() => gmail.close());
  const binary = await findBinary('temporal', {
    dataDir: fileURLToPath(new URL('../.tidemark', import.meta.url)),
    clock,
    log: (line) => console.error(line),
  });
  const temporal = await startDevServer({
    binary,
    database: null,
    namespace: 'default',
    port: await freePort(0),
    uiPort: null,
    logFile: join(folder, 'temporal.log'),
    clock,
  });
  ends.push(() => temporal.stop());
  const port = await freePort(0);
  const env = {
    HOME: folder,
    TIDEMARK_DATA_DIR: folder,
    TEMPORAL_ADDRESS: temporal.address,
    GMAIL_ROOT_URL: gmail.url,
    GOOGLE_TOKEN_URL: `${gmail.url}/token`,
    GOOGLE_KEYS_URL: `${gmail.url}${KEYS_PATH}`,
    PUSH_TOPIC: 'projects/p/topics/gmail',
    PUSH_AUDIENCE: AUDIENCE,
    PUSH_SERVICE_ACCOUNT: SERVICE_ACCOUNT,
    LOG_LEVEL: 'warn',
  };
  const tidemark = await openTidemark({ config: loadConfig({ env }) });
  ends.push(() => tidemark.close());
  const log = openSync(join(folder, 'programs.log'), 'a');
  const program = (args: readonly string[]): ChildProcess => {
    const child = startProgram('src/cli/main.ts', { args, env, log });
    ends.push(() => void child.kill('SIGKILL'));
    return child;
  };
  program(['worker']);
  program(['push', '--port', String(port), '--host', '127.0.0.1']);
  const endpoint = `http://127.0.0.1:${port}`;
  await until(
    async () => (await fetch(`${endpoint}/readyz`).catch(() => null))?.status === 200,
    'tidemark push is not ready',
  );

  const mailboxes = Array.from({ length: MAILBOXES }, (_, index) => mailboxId(`user-${index}@example.com`));
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
    await tidemark.client.start(mailbox, { pollInterval: 3_600_000 });
  }
  for (const mailbox of mailboxes)
    await until(
      async () => (await tidemark.client.status(mailbox)).inSync === true && simulator.watchedUntil(mailbox) !== null,
      `${mailbox} is not in sync`,
    );
  ends.push(
    publishToEndpoint({
      simulator,
      signer,
      subscription: { endpoint: `${endpoint}/push`, audience: AUDIENCE, serviceAccount: SERVICE_ACCOUNT },
    }),
  );

  const times: Promise<number>[] = [];
  for (let sent = 0; sent < NOTIFICATIONS; sent++) {
    const mailbox = mailboxes[sent % MAILBOXES];
    if (mailbox === undefined) break;
    const { changeSequence } = await tidemark.client.progress(mailbox);
    simulator.mailbox(mailbox).insert({
      raw: `From: bob@example.com\r\nSubject: message ${sent}\r\n\r\nhello\r\n`,
      labelIds: ['INBOX', 'UNREAD'],
    });
    times.push(storedAfter(tidemark, mailbox, changeSequence));
    await clock.sleep(1_000 / PER_SECOND);
  }
  return Promise.all(times);
}

/** Milliseconds until the store holds the new message, to within about 5 ms. */
async function storedAfter(
  { client }: Tidemark,
  mailbox: ReturnType<typeof mailboxId>,
  after: number,
): Promise<number> {
  const began = performance.now();
  for (;;) {
    const { changes } = await client.readChanges(mailbox, { after });
    if (changes.some(({ kind }) => kind === 'stored')) return performance.now() - began;
    if (performance.now() - began > 45_000) throw new InvalidRunError(`a message of ${mailbox} was not stored`);
    await clock.sleep(5);
  }
}

async function until(condition: () => Promise<boolean>, message: string): Promise<void> {
  const began = performance.now();
  while (!(await condition())) {
    if (performance.now() - began > 60_000) throw new InvalidRunError(message);
    await clock.sleep(100);
  }
}
