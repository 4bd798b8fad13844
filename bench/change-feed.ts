import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/host/system-clock.ts';
import { databaseAt } from '../src/model/database-location.ts';
import { mailboxId, type MailboxId } from '../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../src/model/settings.ts';
import { endOfChanges, followChanges } from '../src/reading/follow-changes.ts';
import { withMailbox } from '../src/store/engines/mailbox-transaction.ts';
import { closeStores, openStores, type Stores } from '../src/store/open-store.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { PostgresServer } from '../test/fixtures/postgres/postgres-server.ts';
import { load } from './bench-processes.ts';

const MAILBOXES = 100;
/** Changes that a backfill writes, 50 in a transaction, before anything follows the feed. */
const BACKFILLED = 200_000;
const BATCH = 50;
/** Rounds of live changes: one of each mailbox, each in its own transaction. The feed numbers every round by itself. */
const ROUNDS = 200;
const WAKES = 200;
const WAKE_EVERY = 25;

/** One reader reads the feed of all mailboxes. Also measures how soon it sees a commit of another connection. */
export const changeFeed: Bench = {
  name: 'change-feed',
  about: 'how fast one follower reads the feed, and how soon it wakes after a commit, on both databases',
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-feed-'));
    const figures: Figure[] = [];
    try {
      figures.push(...(await measured('SQLite', `sqlite:${join(folder, 'mirror.db')}`, 50_000)));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    const server = await PostgresServer.start();
    try {
      figures.push(...(await measured('PostgreSQL', server.url, 25_000)));
    } finally {
      await server.stop();
    }
    return figures;
  },
};

async function measured(name: string, url: string, atLeast: number): Promise<readonly Figure[]> {
  const [writer, reader] = [await openStores(databaseAt(url)), await openStores(databaseAt(url))];
  try {
    const mailboxes = Array.from({ length: MAILBOXES }, (_, index) => mailboxId(`m${index}@example.com`));
    for (const mailbox of mailboxes) await writer.store.putMailbox({ mailbox, settings: DEFAULT_SETTINGS, now: 1 });
    await fill(writer, mailboxes);
    const perSecond = await readAll(reader);
    const wakes = await wakesOf(reader, writer, mailboxes);
    const at = (share: number): number => wakes[Math.floor((wakes.length - 1) * share)] ?? Number.NaN;
    const changes = (BACKFILLED + ROUNDS * MAILBOXES).toLocaleString('en');
    const note = `${load()}; ${changes} changes of ${MAILBOXES} mailboxes`;
    return [
      { name: `changes read, ${name}`, value: perSecond, unit: '/s', bound: { is: 'at least', value: atLeast }, note },
      { name: `wake after the commit, p50, ${name}`, value: at(0.5), unit: 'ms', bound: null },
      { name: `wake after the commit, p99, ${name}`, value: at(0.99), unit: 'ms', bound: { is: 'at most', value: 50 } },
    ];
  } finally {
    await closeStores(writer);
    await closeStores(reader);
  }
}

const entry = (id: string): readonly (string | number | null)[] => {
  const [labels, added] = ['["INBOX","Label_12","UNREAD"]', '["UNREAD"]'];
  return ['labels', id, id, labels, '00000000000000123456', 1_700_000_000_000, added, '[]', null];
};

const append = ({ database }: Stores, mailbox: MailboxId, ids: readonly string[]): Promise<void> =>
  withMailbox(database, mailbox, (locked) => locked.appendChanges(ids.map(entry)));

async function fill(writer: Stores, mailboxes: readonly MailboxId[]): Promise<void> {
  const ids = Array.from({ length: BATCH }, (_, index) => `18c2f0a1b2c3d4${index}`);
  const transactions = BACKFILLED / BATCH;
  for (let index = 0; index < transactions; index += 1) {
    const mailbox = mailboxes[index % MAILBOXES];
    if (mailbox !== undefined) await append(writer, mailbox, ids);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const mailbox of mailboxes) await append(writer, mailbox, [`18c2f0a1b2c3d5${round}`]);
    await endOfChanges(writer.database);
  }
}

async function readAll({ database }: Stores): Promise<number> {
  const began = performance.now();
  let read = 0;
  for await (const change of followChanges(database, { follow: false })) read += change.cursor === '' ? 0 : 1;
  const seconds = (performance.now() - began) / 1_000;
  if (read !== BACKFILLED + ROUNDS * MAILBOXES) throw new InvalidRunError(`${read} changes were read`);
  return read / seconds;
}

/** Milliseconds from the return of each commit until the change is in the reader's loop, sorted. */
async function wakesOf(reader: Stores, writer: Stores, mailboxes: readonly MailboxId[]): Promise<readonly number[]> {
  const committed = new Map<string, number>();
  const wakes: number[] = [];
  const after = await endOfChanges(reader.database);
  const writing = (async () => {
    for (let index = 0; index < WAKES; index += 1) {
      await systemClock.sleep(WAKE_EVERY);
      const mailbox = mailboxes[index % MAILBOXES];
      if (mailbox === undefined) continue;
      await append(writer, mailbox, [`wake${index}`]);
      committed.set(`wake${index}`, performance.now());
    }
  })();
  for await (const { messageId } of followChanges(reader.database, { after })) {
    // The reader may see a change before the writer's promise has resolved.
    wakes.push(Math.max(0, performance.now() - (committed.get(messageId) ?? Infinity)));
    if (wakes.length === WAKES) break;
  }
  await writing;
  return wakes.toSorted((a, b) => a - b);
}
