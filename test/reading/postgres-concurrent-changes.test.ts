import { expect, it } from 'vitest';
import { systemClock } from '../../src/host/system-clock.ts';
import type { FeedChange } from '../../src/model/change.ts';
import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { followChanges } from '../../src/reading/follow-changes.ts';
import { withMailbox } from '../../src/store/engines/mailbox-transaction.ts';
import { closeStores, openStores, type Stores } from '../../src/store/open-store.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { Random } from '../fixtures/schedules/seeded-random.ts';
import { TestMailbox } from '../fixtures/store/tested-store.ts';

const MAILBOXES = 60;
const TRANSACTIONS = 400;
/** One transaction in so many stays open for long after it has written. */
const LONG_ONES = 20;
const LONG = 1_500;
const READERS = 3;

class UndoneError extends Error {}

describePostgres('the change feed beside hundreds of transactions', () => {
  const newDatabase = useDatabases();

  /**
   * All transactions are asked for at once, and commit in any order: each waits between its writes and its commit, some
   * for long, some roll back. Writers of different mailboxes run beside each other on 40 connections.
   */
  it('shows every reader each committed change once, in one order, and nothing that was rolled back', async () => {
    const url = await newDatabase();
    const stores: Stores[] = [];
    for (const poolSize of [20, 20, 5, 5, 5]) {
      const location = databaseAt(url);
      stores.push(await openStores(location.kind === 'postgres' ? { ...location, poolSize } : location));
    }
    const [first, second, ...readers] = stores;
    if (first === undefined || second === undefined) throw new Error('five stores are open');
    const mailboxes = Array.from({ length: MAILBOXES }, (_, index) => mailboxId(`m${index}@example.com`));
    for (const id of mailboxes) await new TestMailbox(first.store, id).put();

    const random = new Random(11);
    let committed = 0;
    const write = async (index: number): Promise<void> => {
      const { database } = index % 2 === 0 ? first : second;
      const id = random.pick(mailboxes);
      const count = 1 + random.below(4);
      const pause = index % LONG_ONES === 0 ? LONG : random.below(30);
      const isUndone = random.chance(0.1);
      await withMailbox(database, id, async (locked) => {
        const entry = (at: number) => ['stored', `${index}-${at}`, 't', '[]', '0'.repeat(20), 1, '[]', '[]', null];
        await locked.appendChanges(Array.from({ length: count }, (_, at) => entry(at)));
        await systemClock.sleep(pause);
        if (isUndone) throw new UndoneError();
        committed += count;
      }).catch((error: unknown) => {
        if (!(error instanceof UndoneError)) throw error;
      });
    };

    const isDone = new AbortController();
    const following = readers.map(async ({ database }) => {
      const seen: FeedChange[] = [];
      for await (const change of followChanges(database, { signal: isDone.signal })) seen.push(change);
      // What was committed after the last look, from the last cursor on.
      const after = seen.at(-1)?.cursor;
      const rest = { follow: false, ...(after === undefined ? {} : { after }) };
      for await (const change of followChanges(database, rest)) seen.push(change);
      return seen;
    });
    await Promise.all(Array.from({ length: TRANSACTIONS }, (_, index) => write(index)));
    isDone.abort();
    const feeds = await Promise.all(following);
    for (const each of stores) await closeStores(each);

    expect(feeds).toHaveLength(READERS);
    const [feed] = feeds;
    if (feed === undefined) throw new Error('three readers read');
    expect(feed).toHaveLength(committed);
    const last = new Map<MailboxId, number>();
    for (const { mailbox, sequence } of feed) {
      expect(sequence).toBe((last.get(mailbox) ?? 0) + 1);
      last.set(mailbox, sequence);
    }
    const order = feed.map(({ cursor, messageId }) => `${cursor} ${messageId}`);
    for (const other of feeds) expect(other.map(({ cursor, messageId }) => `${cursor} ${messageId}`)).toEqual(order);
  }, 120_000);

  it('shows what other mailboxes commit while one transaction stays open', async () => {
    const url = await newDatabase();
    const stores = await openStores(databaseAt(url));
    const [slow, quick] = ['slow@example.com', 'quick@example.com'].map((id) => mailboxId(id));
    if (slow === undefined || quick === undefined) throw new Error('two mailboxes');
    for (const id of [slow, quick]) await new TestMailbox(stores.store, id).put();
    const entry = (id: string) => ['stored', id, 't', '[]', '0'.repeat(20), 1, '[]', '[]', null];
    const append = (id: MailboxId, name: string, until: Promise<void>): Promise<void> =>
      withMailbox(stores.database, id, async (locked) => {
        await locked.appendChanges([entry(name)]);
        await until;
      });
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    const open = append(slow, 'slow', told);
    const seen: string[] = [];
    for (let index = 0; index < 5; index += 1) await append(quick, `quick${index}`, Promise.resolve());
    for await (const { messageId } of followChanges(stores.database)) {
      seen.push(messageId);
      if (seen.length === 5) tell();
      if (seen.length === 6) break;
    }
    await open;
    await closeStores(stores);
    expect(seen).toEqual(['quick0', 'quick1', 'quick2', 'quick3', 'quick4', 'slow']);
  });
});
