import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { reading, type TestMailbox } from '../fixtures/store/tested-store.ts';
import { inFolder, objectsIn, openOutside } from '../fixtures/store/outside-fixture.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

describe('a removed mailbox', () => {
  const folder = useFolder();
  const path = () => join(folder(), 'mirror.db');
  const place = () => join(folder(), 'bodies');
  const opened: TestMailbox[] = [];
  afterEach(async () => {
    for (const { store } of opened.splice(0)) await store.close();
  });

  /** The tables that name a mailbox, and how many rows each has. */
  function tablesOfMailboxes(): readonly (readonly [table: string, rows: number])[] {
    const database = new DatabaseSync(path());
    const tables = database
      .prepare(
        'select m.name from sqlite_master m join pragma_table_info(m.name) c ' +
          "where m.type = 'table' and c.name = 'mailbox_key'",
      )
      .all();
    const counts = tables.map(
      ({ name }) =>
        [String(name), Number(database.prepare(`select count(*) as n from ${String(name)}`).get()?.['n'])] as const,
    );
    database.close();
    return counts;
  }

  it('leaves no row in any table that the schema has, and no body outside', async () => {
    const mailbox = await openOutside(path(), inFolder(place()));
    opened.push(mailbox);
    await mailbox.sync([reading('a'), reading('b')]);
    const database = new DatabaseSync(path());
    database.exec('pragma foreign_keys = off');
    // Something in every table, whatever it is: a table that a later schema adds must be emptied too.
    for (const [table, rows] of tablesOfMailboxes()) {
      if (rows > 0) continue;
      const columns = database.prepare(`select name, type from pragma_table_info('${table}')`).all();
      const values = columns.map(({ name, type }) =>
        name === 'mailbox_key' ? '1' : type === 'BLOB' ? "x'00'" : type === 'INTEGER' ? '1' : "'x'",
      );
      database.exec(
        `insert into ${table} (${columns.map(({ name }) => String(name)).join()}) values (${values.join()})`,
      );
    }
    database.close();
    expect(tablesOfMailboxes().filter(([, rows]) => rows === 0)).toEqual([]);
    expect(tablesOfMailboxes().length).toBeGreaterThan(9);

    await mailbox.store.beginRemoval({ mailbox: mailbox.id, chain: 'run-1', now: 1 });
    await mailbox.store.finishRemovals({ now: 1 });
    expect(tablesOfMailboxes().filter(([, rows]) => rows > 0)).toEqual([]);
    await mailbox.store.sweepBodies({ now: 2, grace: 0 });
    expect(objectsIn(place())).toEqual([]);
    const inside = new DatabaseSync(path());
    const dump = inside.prepare('select id from mailboxes union all select id from workflow_chains').all();
    inside.close();
    expect(dump).toEqual([{ id: 'run-1' }]);
  });

  it('is removed in transactions of bounded size', async () => {
    const mailbox = await openOutside(path(), inFolder(place(), 1_000_000));
    opened.push(mailbox);
    await mailbox.sync(Array.from({ length: 2_500 }, (_, index) => reading(`m${index}`)));
    await mailbox.store.beginRemoval({ mailbox: mailbox.id, chain: null, now: 1 });
    const reader = new DatabaseSync(path(), { readOnly: true });
    const bodies = (): number => Number(reader.prepare('select count(*) as n from bodies').get()?.['n']);
    // It is asked before each transaction, and so sees what each one has left.
    const { signal } = new AbortController();
    const left = new Set<number>();
    Object.defineProperty(signal, 'aborted', { get: () => left.add(bodies()).has(2_000) });
    await mailbox.store.finishRemovals({ now: 1, signal });
    expect([...left]).toEqual([2_500, 2_400, 2_300, 2_200, 2_100, 2_000]);
    expect(bodies()).toBe(2_000);
    reader.close();
    await mailbox.store.finishRemovals({ now: 1 });
    expect(tablesOfMailboxes().filter(([, rows]) => rows > 0)).toEqual([]);
  });
});
