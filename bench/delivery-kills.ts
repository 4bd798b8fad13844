import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { TidemarkWithStores } from '../src/app/open-with-stores.ts';
import { systemClock as clock } from '../src/host/system-clock.ts';
import type { MailboxId } from '../src/model/ids.ts';
import type { Simulator } from '../src/simulator/simulator.ts';
import { Receiver } from '../test/fixtures/host/webhook-receiver.ts';
import type { Bench, Figure } from '../test/fixtures/measured/figure.ts';
import { load } from './bench-processes.ts';
import { inFolder, type Ends } from './in-folder.ts';
import { DeliveryBook } from './delivery-book.ts';
import { KilledFleet, type Kills } from './killed-fleet.ts';
import { openBenchSystem, openWith, startMailboxes, until } from './mailboxes-in-sync.ts';
import { changesIn, handledChanges } from './noted-changes.ts';

/** Deliveries in total; DELIVERIES=2000 makes a quick trial run. */
const DELIVERIES = Number(process.env['DELIVERIES'] ?? 10_000);
const MAILBOXES = 20;
const SUBSCRIPTIONS = ['bench', 'hook'] as const;
/** Ms between two rounds, each of which changes every message of every mailbox. */
const ROUND = 1_000;
/** Ms between polls. A killed server may lose a poke: then a poll finds the change. */
const POLL = 5_000;
const SERVED_WITHIN = 300_000;

/**
 * Kills workers, PostgreSQL and Temporal's server in turn, all of them real processes, while labels change. Every
 * change is delivered by itself, to a handler and to a webhook.
 */
export const deliveryKills: Bench = {
  name: 'delivery-kills',
  about: `${DELIVERIES.toLocaleString('en')} deliveries while workers, PostgreSQL and Temporal's server are killed`,
  async run() {
    return inFolder(async (folder, ends) => {
      return await measure(folder, ends);
    });
  },
};

async function measure(folder: string, ends: Ends): Promise<readonly Figure[]> {
  const receiver = await Receiver.open();
  ends.push(() => receiver.close());
  const fleet = await KilledFleet.open(folder);
  ends.push(() => fleet.stop());
  const { simulator, ...system } = await openBenchSystem(folder, ends, { temporalAddress: fleet.temporalAddress });
  const env = { ...system.env, ...fleet.databaseEnv };
  const calls = join(folder, 'calls.jsonl');
  writeFileSync(calls, '');
  const tidemark = await openWith(env, ends);
  fleet.startWorkers('bench/delivery-worker.ts', { args: [calls, '1'], env });
  const mailboxes = await startMailboxes({ simulator, env }, tidemark, MAILBOXES, { pollInterval: POLL });
  await tidemark.client.deliveries.subscribe('hook', {
    url: `http://127.0.0.1:${receiver.port}/`,
    allowPrivate: true,
    beginning: { kind: 'first' },
    batch: 1,
  });

  const began = clock.now();
  const areServed = (): Promise<boolean> => allServed(tidemark).catch(() => false);
  const over = new AbortController();
  const killing = fleet.killInTurn(over.signal);
  await changeLabels(simulator, tidemark, mailboxes);
  await until(areServed, 'not every change was delivered while processes were killed', { within: SERVED_WITHIN });
  over.abort();
  const kills = await killing;
  await until(areServed, 'not every change was delivered', { within: SERVED_WITHIN });
  const seconds = (clock.now() - began) / 1_000;
  const book = new DeliveryBook([
    ...handledChanges(calls).map((change) => ({ subscription: 'bench', ...change })),
    ...receiver.received.flatMap(({ headers, body }) =>
      changesIn(body).map((change) => ({ subscription: 'hook', ...change, id: String(headers['webhook-id']) })),
    ),
  ]);
  const lost: string[] = [];
  for (const mailbox of mailboxes) {
    const newest = (await tidemark.store.getMailbox(mailbox))?.changeSequence ?? 0;
    for (const subscription of SUBSCRIPTIONS)
      for (const sequence of book.lost(subscription, mailbox, newest))
        lost.push(`${subscription}: change ${sequence} of ${mailbox} was not delivered`);
  }
  const parked = await Promise.all(SUBSCRIPTIONS.map((name) => tidemark.store.listParked({ name, limit: DELIVERIES })));
  for (const line of [...book.reordered, ...lost].slice(0, 10)) console.error(line);
  return figuresOf({ book, kills, seconds, lost: lost.length, parked: parked.flat().length });
}

function figuresOf(run: {
  readonly book: DeliveryBook;
  readonly kills: Kills;
  readonly seconds: number;
  readonly lost: number;
  readonly parked: number;
}): readonly Figure[] {
  const { book, kills, seconds } = run;
  const all = kills.workers + kills.postgres + kills.temporal;
  const mustBeZero = (name: string, value: number): Figure => ({
    name,
    value,
    unit: '',
    bound: { is: 'at most', value: 0 },
  });
  const withoutBound = (name: string, value: number, unit: string, note: string): Figure => ({
    name,
    value,
    unit,
    bound: null,
    note,
  });
  return [
    withoutBound('deliveries accepted', book.deliveries, '', `in ${seconds.toFixed(0)} s; ${load()}`),
    withoutBound(
      '  processes killed',
      all,
      '',
      `${kills.workers} workers, PostgreSQL ${kills.postgres} and Temporal ${kills.temporal} times`,
    ),
    mustBeZero('changes lost', run.lost),
    mustBeZero('changes reordered, or again with another id', book.reordered.length),
    mustBeZero('changes parked', run.parked),
    {
      name: 'deliveries again with the same id, per kill',
      value: book.repeated / Math.max(1, all),
      unit: '',
      // Each subscription has one delivery under way in each mailbox.
      bound: { is: 'at most', value: MAILBOXES * SUBSCRIPTIONS.length },
      note: `${((100 * book.repeated) / book.deliveries).toFixed(3)}% of all`,
    },
  ];
}

/** Adds and removes the stars of all messages until there are enough changes. */
async function changeLabels(
  simulator: Simulator,
  { client, store }: TidemarkWithStores,
  mailboxes: readonly MailboxId[],
): Promise<void> {
  const stored = async (): Promise<number> => {
    const rows = await Promise.all(mailboxes.map((mailbox) => store.getMailbox(mailbox)));
    return rows.reduce((sum, row) => sum + (row?.changeSequence ?? 0), 0);
  };
  // A star that is removed before a sync sees it makes no change: what was stored counts, not the rounds.
  for (let round = 0; SUBSCRIPTIONS.length * (await stored().catch(() => 0)) < DELIVERIES; round++) {
    for (const mailbox of mailboxes) {
      const gmail = simulator.mailbox(mailbox);
      const ids = gmail.truth().map(({ id }) => id);
      gmail.modify(ids, round % 2 === 0 ? { add: ['STARRED'] } : { remove: ['STARRED'] });
      void client.poke(mailbox).catch(() => undefined);
    }
    await clock.sleep(ROUND);
  }
}

/** Whether every subscription has reached the newest change of every mailbox. */
async function allServed({ store }: TidemarkWithStores): Promise<boolean> {
  const positions = (await Promise.all(SUBSCRIPTIONS.map((name) => store.readPositions(name)))).flat();
  return positions.length === SUBSCRIPTIONS.length * MAILBOXES && positions.every((at) => at.sequence === at.head);
}
