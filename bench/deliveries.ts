import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';

import { systemClock as clock } from '../src/host/system-clock.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
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
import { changesIn, handledChanges, type PlacedChange } from './noted-changes.ts';

const MAILBOXES = 20;
const PER_SECOND = 10;
const CHANGES = 300;

/** A change, and when its target got it or the store committed it (epoch ms). */
interface Got extends PlacedChange {
  readonly at: number;
}

/**
 * Mail arrives in mailboxes that are poked at once. A worker with a handler stores it, calls the handler, and sends it
 * to a webhook of this process. Temporal and the worker are separate processes; all share one clock.
 */
export const deliveryLatency: Bench = {
  name: 'deliveries',
  about: `time from a commit to the handler and to the webhook, ${PER_SECOND}/s over ${MAILBOXES} mailboxes`,
  async run() {
    return inFolder(async (folder, ends) => {
      const { handler, webhook } = await measure(folder, ends);
      const slowest = (times: readonly number[]): string =>
        `slowest ${Math.max(...times).toFixed(0)} ms of ${times.length}`;
      const figure = (name: string, value: number, most: number | null, note: string): Figure => ({
        name,
        value,
        unit: 'ms',
        bound: most === null ? null : { is: 'at most', value: most },
        note,
      });
      return [
        figure("commit to the handler's call, p50", quantile(handler, 0.5), 50, load()),
        figure("commit to the handler's call, p99", quantile(handler, 0.99), 250, slowest(handler)),
        figure("commit to the webhook's receiver, p50", quantile(webhook, 0.5), null, load()),
        figure("commit to the webhook's receiver, p99", quantile(webhook, 0.99), 1_000, slowest(webhook)),
      ];
    });
  },
};

async function measure(folder: string, ends: Ends): Promise<Record<'handler' | 'webhook', readonly number[]>> {
  const system = await openBenchSystem(folder, ends);
  const tidemark = await openWith(system.env, ends);
  const calls = join(folder, 'calls.jsonl');
  writeFileSync(calls, '');
  const log = openSync(join(folder, 'worker.log'), 'a');
  const worker = startProgram('bench/delivery-worker.ts', { args: [calls], env: system.env, log });
  ends.push(() => void worker.kill('SIGKILL'));
  const mailboxes = await startMailboxes(system, tidemark, MAILBOXES);
  const received: Got[] = [];
  const url = await receive(received, ends);
  await tidemark.client.deliveries.subscribe('hook', { url, allowPrivate: true, filter: { kinds: ['stored'] } });

  const commits: Promise<Got>[] = [];
  for (let sent = 0; sent < CHANGES; sent++) {
    const mailbox = mailboxes[sent % MAILBOXES];
    if (mailbox === undefined) break;
    const { changeSequence } = await tidemark.client.progress(mailbox);
    insertMail(system.simulator, mailbox, sent);
    void tidemark.client.poke(mailbox).catch(() => undefined);
    commits.push(
      storedAt(tidemark, mailbox, changeSequence).then((at) => ({ mailbox, sequence: changeSequence + 1, at })),
    );
    await clock.sleep(1_000 / PER_SECOND);
  }
  const committed = await Promise.all(commits);
  const hasAll = (got: readonly Got[]): boolean => committed.every((commit) => timeOf(got, commit) !== null);
  await until(async () => hasAll(handledChanges(calls)) && hasAll(received), 'not every change was delivered');
  return { handler: timesOf(handledChanges(calls), committed), webhook: timesOf(received, committed) };
}

function timeOf(got: readonly Got[], { mailbox, sequence }: Got): number | null {
  return got.find((each) => each.mailbox === mailbox && each.sequence === sequence)?.at ?? null;
}

/** A target may be faster than the query that notices the commit: a negative time counts as 0. */
function timesOf(got: readonly Got[], committed: readonly Got[]): readonly number[] {
  return committed.map((commit) => {
    const at = timeOf(got, commit);
    if (at === null) throw new InvalidRunError(`change ${commit.sequence} of ${commit.mailbox} was not delivered`);
    return Math.max(0, at - commit.at);
  });
}

/** A receiver of webhooks. @returns its URL */
async function receive(received: Got[], ends: Ends): Promise<string> {
  const note = async (request: IncomingMessage): Promise<void> => {
    const at = Date.now();
    for (const { mailbox, sequence } of changesIn(await text(request))) received.push({ mailbox, sequence, at });
  };
  const server = createServer((request, response) => {
    void note(request).finally(() => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the receiver listens on no port');
  return `http://127.0.0.1:${address.port}/`;
}
