import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { keepHouse } from '../../src/app/housekeeping.ts';
import { createLog } from '../../src/host/log.ts';
import type { MessageQuery } from '../../src/reading/index.ts';
import { deleted, l, reading, record } from '../fixtures/store/tested-store.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { useStoredMail, type StoredMail } from '../fixtures/store/stored-mail.ts';

const mailOf = (id: string): string =>
  `From: ${id}@example.com\r\nTo: ada@example.com\r\nSubject: about ${id}\r\nDate: Sat, ` +
  `28 Nov 2026 12:00:00 GMT\r\nContent-Type: text/plain\r\n\r\ntext of ${id}\r\n`;

/** Leaves the rows as a build without the table of headers left them. */
const undescribe = (database: StoredMail['stores']['database']): Promise<void> =>
  database.write(async (tx) => {
    await tx.deleteFrom('message_headers').execute();
    await tx.updateTable('messages').set({ described: 0 }).execute();
  });

async function ids(mail: StoredMail, query?: MessageQuery): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { id } of mail.read.messages(query)) found.push(id);
  return found;
}

function reads(url: () => string | Promise<string>): void {
  const open = useStoredMail(url);

  it('gives every readable message once, by its arrival, in pages', async () => {
    const mail = open();
    const { mailbox } = mail;
    const count = 230;
    const named = Array.from({ length: count }, (_, n) => `m${String(n).padStart(3, '0')}`);
    // Many arrive at the same moment, and one without a date.
    await mailbox.save(...named.map((id, n) => reading(id, { date: n === 7 ? null : Math.floor(n / 9) * 1_000 })));
    await mailbox.apply([record(101, deleted('m100'))], { generation: 0 });
    const oldest = named
      .filter((id) => id !== 'm100')
      .toSorted((a, b) => {
        const at = (id: string) => (id === 'm007' ? 0 : Math.floor(Number(id.slice(1)) / 9));
        return at(a) - at(b) || (a < b ? -1 : 1);
      });
    expect(await ids(mail, { order: 'oldest' })).toEqual(oldest);
    expect(await ids(mail)).toEqual(oldest.toReversed());
  });

  it('finds messages by the name or id of a label, by a period, and by a thread', async () => {
    const mail = open();
    const { mailbox } = mail;
    await mailbox.store.saveLabels({
      mailbox: mailbox.id,
      labels: [
        { id: l('INBOX'), name: 'INBOX', type: 'system' },
        { id: l('Label_7'), name: 'Invoices', type: 'user' },
      ],
      now: mailbox.now,
    });
    await mailbox.save(
      ...Array.from({ length: 400 }, (_, n) =>
        reading(`m${String(n).padStart(3, '0')}`, {
          date: n * 1_000,
          labels: n % 190 === 0 ? ['INBOX', 'Label_7'] : ['INBOX'],
          thread: `t${n % 200}`,
        }),
      ),
    );
    for (const label of ['Invoices', 'Label_7', 'invoices'])
      expect(await ids(mail, { label })).toEqual(['m380', 'm190', 'm000']);
    const period = { after: new Date(190_000), before: new Date(380_000) };
    expect(await ids(mail, { label: 'Invoices', ...period })).toEqual(['m190']);
    expect(await ids(mail, { ...period, order: 'oldest' })).toHaveLength(190);
    expect(await ids(mail, { thread: 't10' })).toEqual(['m210', 'm010']);
    expect(await ids(mail, { thread: 't10', before: new Date(100_000), label: 'INBOX' })).toEqual(['m010']);
    expect((await mail.read.thread('t10')).map(({ id }) => id)).toEqual(['m010', 'm210']);
    expect(await mail.read.thread('none')).toEqual([]);
    await expect(ids(mail, { label: 'Nowhere' })).rejects.toThrow(/ada@example.com has no label "Nowhere"/);
    expect((await mail.read.message('m380'))?.labels.map(({ name }) => name)).toEqual(['INBOX', 'Invoices']);
  });

  it('lets writers go on between two messages', async () => {
    const mail = open();
    await mail.store('full', { a: mailOf('a'), b: mailOf('b') });
    for await (const { subject } of mail.read.messages({ order: 'oldest' })) {
      await mail.store('full', { [`${subject}`.slice(-1)]: mailOf('x') });
      await mail.mailbox.apply([record(101, deleted('b'))], { generation: 0 });
    }
    expect(await ids(mail)).toEqual(['a']);
  });

  it('reads mail of an earlier version alike, and housekeeping gives it its headers', async () => {
    const mail = open();
    const { database, store } = mail.stores;
    await mail.store('full', { a: mailOf('a') });
    await mail.store('raw', { b: mailOf('b') });
    await mail.store('minimal', { c: mailOf('c') });
    await undescribe(database);
    expect((await mail.read.message('a'))?.subject).toBe('about a');
    expect((await mail.read.message('b'))?.subject).toBe('about b');
    const rows = () =>
      database.read((db) =>
        db.selectFrom('message_headers').select(['message_id', 'subject']).orderBy('message_id').execute(),
      );
    expect(await rows()).toEqual([]);
    const stopped = new AbortController();
    let rounds = 0;
    const sleep = async (): Promise<void> => {
      rounds += 1;
      if (rounds > 2) stopped.abort();
    };
    await keepHouse({
      store,
      goneGrace: null,
      sweepGrace: null,
      changesKept: null,
      clock: { now: () => 1, random: () => 1, sleep },
      log: createLog('silent'),
      signal: stopped.signal,
    });
    expect(await rows()).toEqual([
      { message_id: 'a', subject: 'about a' },
      { message_id: 'b', subject: 'about b' },
    ]);
    expect(await store.describeStored()).toBe(0);
  });

  it('describes mail of an earlier version in steps, and keeps the steps done before a stop', async () => {
    const mail = open();
    const { database, store } = mail.stores;
    const body = '{"payload":{"headers":[{"name":"Subject","value":"one"}]}}';
    await mail.mailbox.save(...Array.from({ length: 250 }, (_, n) => reading(`m${n}`, { body })));
    await undescribe(database);
    // It is asked before each step, and has been aborted when it is asked before the second one.
    const { signal } = new AbortController();
    let asked = 0;
    Object.defineProperty(signal, 'aborted', { get: () => ++asked > 1 });
    expect(await store.describeStored({ signal })).toBe(100);
    expect(await store.describeStored()).toBe(150);
  });

  it('forgets the headers of a message with its body', async () => {
    const mail = open();
    const { database, store } = mail.stores;
    await mail.store('full', { a: mailOf('a'), b: mailOf('b') });
    await mail.mailbox.applyTwice([record(101, deleted('a'))], { generation: 0 });
    await store.dropBuriedBodies({ now: mail.mailbox.now + 1, grace: 0 });
    const { rows } = await database.read((db) =>
      sql<{ message_id: string }>`select message_id from message_headers`.execute(db),
    );
    expect(rows).toEqual([{ message_id: 'b' }]);
  });
}

describe('a mailbox in SQLite', () => {
  const folder = useFolder();
  reads(() => `sqlite:${join(folder(), 'mail.sqlite')}`);
});

describePostgres('a mailbox in PostgreSQL', () => {
  const database = useDatabases();
  reads(() => database());
});
