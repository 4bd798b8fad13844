import type { ChildProcess } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { GoogleSigner } from '../src/simulator/google-signer.ts';
import { publishToEndpoint } from '../src/simulator/publishing.ts';
import { KEYS_PATH } from '../src/simulator/server.ts';
import { systemClock as clock } from '../src/host/system-clock.ts';
import type { Bench } from '../test/fixtures/measured/figure.ts';
import { load, startProgram } from './bench-processes.ts';
import { inFolder, type Ends } from './in-folder.ts';
import {
  insertMail,
  openBenchSystem,
  openWith,
  quantile,
  startMailboxes,
  storedAt,
  until,
} from './mailboxes-in-sync.ts';

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
    return inFolder(async (folder, ends) => {
      const times = await measure(folder, ends);
      return [
        {
          name: 'push notification to stored message, p50',
          value: quantile(times, 0.5),
          unit: 'ms',
          bound: { is: 'at most', value: 250 },
          note: load(),
        },
        {
          name: 'push notification to stored message, p99',
          value: quantile(times, 0.99),
          unit: 'ms',
          bound: { is: 'at most', value: 1_000 },
          note: `slowest ${Math.max(...times).toFixed(0)} ms of ${times.length}`,
        },
      ];
    });
  },
};

async function measure(folder: string, ends: Ends): Promise<number[]> {
  const signer = await GoogleSigner.create(clock);
  const system = await openBenchSystem(folder, ends, { signer });
  const { simulator } = system;
  const env = {
    ...system.env,
    GOOGLE_KEYS_URL: `${system.gmailUrl}${KEYS_PATH}`,
    PUSH_TOPIC: 'projects/p/topics/gmail',
    PUSH_AUDIENCE: AUDIENCE,
    PUSH_SERVICE_ACCOUNT: SERVICE_ACCOUNT,
  };
  const tidemark = await openWith(env, ends);
  const output = join(folder, 'programs.log');
  const log = openSync(output, 'a');
  const program = (args: readonly string[]): ChildProcess => {
    const child = startProgram('src/cli/main.ts', { args, env, log });
    ends.push(() => void child.kill('SIGKILL'));
    return child;
  };
  program(['worker']);
  program(['push', '--port', '0', '--host', '127.0.0.1']);
  let endpoint = '';
  await until(async () => {
    endpoint = /Listening at (\S+)\/push/.exec(readFileSync(output, 'utf8'))?.[1] ?? '';
    return endpoint !== '' && (await fetch(`${endpoint}/readyz`)).status === 200;
  }, 'tidemark push is not ready');

  const mailboxes = await startMailboxes(system, tidemark, MAILBOXES);
  for (const mailbox of mailboxes)
    await until(async () => simulator.watchedUntil(mailbox) !== null, `Gmail does not watch ${mailbox}`);
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
    insertMail(simulator, mailbox, sent);
    const insertedAt = clock.now();
    times.push(storedAt(tidemark, mailbox, changeSequence).then((at) => at - insertedAt));
    await clock.sleep(1_000 / PER_SECOND);
  }
  return Promise.all(times);
}
