import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, describe, expect, it } from 'vitest';
import type { HistoryOperation } from '../../src/model/change.ts';
import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { moveStores, type MoveRequest } from '../../src/store/move/move-stores.ts';
import { MOVED_TABLES } from '../../src/store/move/move-tables.ts';
import { closeStores, openStores, type Stores } from '../../src/store/open-store.ts';
import { added, deleted, l, labelled, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { inFolder, objectsIn } from '../fixtures/store/outside-fixture.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const alice = mailboxId('alice@example.com');
const bob = mailboxId('bob@example.com');

describe('moving to another database', () => {
  const folder = useFolder();
  const place = (name = 'bodies') => join(folder(), name);
  const opened: Stores[] = [];
  afterEach(async () => {
    for (const stores of opened.splice(0)) await closeStores(stores);
  });

  async function open(url: string, bodies = inFolder(place(), 20)): Promise<Stores> {
    const stores = await openStores(databaseAt(url), { bodies });
    opened.push(stores);
    return stores;
  }
  const sqlite = (name: string, bodies = inFolder(place(), 20)) => open(`sqlite:${join(folder(), name)}`, bodies);

  /** Two mailboxes with something of everything; some bodies inside, some outside. */
  async function filled(stores: Stores, messages = 60): Promise<Stores> {
    for (const id of [alice, bob]) {
      const mailbox = new TestMailbox(stores.store, id);
      await mailbox.put();
      await mailbox.sync(
        Array.from({ length: messages }, (_, index) =>
          reading(`m${index}`, {
            body: index % 2 === 0 ? `small ${index}` : `a body of ${id} that is large enough to lie outside, ${index}`,
          }),
        ),
      );
      await mailbox.apply([record(101, labelled('m1', 'X'), added('late'))]);
      await stores.store.saveLabels({ mailbox: id, labels: [{ id: l('X'), name: 'naïve', type: 'user' }], now: 1 });
      await stores.store.addUsage(
        id,
        [{ method: 'messages.get', calls: 3, units: 60, rejected: 0, failed: 0 }],
        '2026-01-01',
      );
      await stores.store.update(id, () => ({ ledger: 'spent', result: null }));
      await stores.credentials.put(id, { keyId: 'k1', ciphertext: Buffer.from(`secret of ${id}`), version: 0 });
    }
    return stores;
  }

  async function everything({ store, credentials }: Stores) {
    return Promise.all(
      [alice, bob].map(async (id) => {
        const mailbox = new TestMailbox(store, id);
        const messages = (await mailbox.messages()).map((message) => ({
          ...message,
          body: Buffer.from(message.body ?? []).toString(),
        }));
        const record = await credentials.get(id);
        return [
          await mailbox.row(),
          messages,
          await mailbox.changes(),
          await mailbox.pending('live'),
          await store.getLabels(id),
          await store.getUsage(id),
          record?.keyId,
          Buffer.from(record?.ciphertext ?? []).toString(),
        ];
      }),
    );
  }

  const move = (from: Stores, to: Stores, changes: Partial<MoveRequest> = {}) =>
    moveStores({
      from,
      to,
      bodies: inFolder(place(), 20),
      moveBodies: false,
      now: 1_000_000,
      onProgress: () => undefined,
      ...changes,
    });

  /** A move during which the first mailbox changes, so that it is taken back. */
  async function takenBack(from: Stores, to: Stores, change: HistoryOperation): Promise<TestMailbox> {
    const writer = new TestMailbox(from.store, alice);
    writer.generation = 1;
    const changed: Promise<unknown>[] = [];
    const onProgress = ({ mailbox }: { mailbox: string }): void => {
      if (mailbox === bob && changed.length === 0) changed.push(writer.apply([record(102, change)]));
    };
    await expect(move(from, to, { onProgress })).rejects.toThrow('alice@example.com changed while it was copied');
    await Promise.all(changed);
    return writer;
  }

  it('copies every table of a mailbox that the schema has', async () => {
    const { database } = await sqlite('schema.db');
    const { rows } = await database.read((db) =>
      sql<{
        name: string;
      }>`select m.name from sqlite_master m join pragma_table_info(m.name) c
        where m.type = 'table' and c.name = 'mailbox_key'`.execute(db),
    );
    expect(new Set(rows.map(({ name }) => name))).toEqual(
      new Set([...MOVED_TABLES.map(({ table }) => table as string), 'outside_bodies', 'feed_mailboxes']),
    );
  });

  it('brings everything to the target, where syncs go on from the mark', async () => {
    const from = await filled(await sqlite('from.db'));
    const to = await sqlite('to.db');
    const before = await everything(from);
    expect(await move(from, to)).toMatchObject([
      { mailbox: alice, messages: 60 },
      { mailbox: bob, messages: 60 },
    ]);
    expect(await everything(to)).toEqual(before);
    const there = new TestMailbox(to.store, alice);
    there.generation = 1;
    await there.apply([record(102, labelled('m2', 'X'))]);
    await there.save(reading('late', { at: 101 }));
    expect((await there.feed(61)).slice(-2)).toEqual(['labels m2', 'stored late']);
  });

  it('leaves bodies outside where they are, and makes the target the one that removes them', async () => {
    const from = await filled(await sqlite('from.db'));
    const to = await sqlite('to.db');
    const objects = objectsIn(place());
    await move(from, to);
    expect(objectsIn(place())).toEqual(objects);
    await from.store.beginRemoval({ mailbox: alice, chain: null, now: 1 });
    await from.store.finishRemovals({ now: 1 });
    expect(await from.store.sweepBodies({ now: 2_000_000, grace: 0 })).toMatchObject({ removed: 0 });
    await to.store.beginRemoval({ mailbox: alice, chain: null, now: 1 });
    await to.store.finishRemovals({ now: 1 });
    expect(await to.store.sweepBodies({ now: 2_000_000, grace: 0 })).toMatchObject({ removed: 30 });
    expect(await new TestMailbox(to.store, bob).messages()).toHaveLength(60);
  });

  it('writes outside bodies again at the place that is asked for', async () => {
    const from = await filled(await sqlite('from.db'));
    const elsewhere = inFolder(place('elsewhere'), 20);
    const to = await sqlite('to.db', elsewhere);
    const before = await everything(from);
    await move(from, to, { bodies: elsewhere, moveBodies: true });
    expect(objectsIn(place('elsewhere'))).toHaveLength(60);
    expect(await everything(to)).toEqual(before);
  });

  it('refuses a target that holds one of the mailboxes, and moves nothing', async () => {
    const from = await filled(await sqlite('from.db'));
    const to = await sqlite('to.db');
    await new TestMailbox(to.store, bob).put();
    await expect(move(from, to)).rejects.toThrow('The target holds bob@example.com already: nothing was moved.');
    expect((await to.store.listMailboxes()).map(({ id }) => id)).toEqual([bob]);
  });

  it('goes on after an interruption, and shows no mailbox before all of it is there', async () => {
    const from = await filled(await sqlite('from.db'), 150);
    const to = await sqlite('to.db');
    const before = await everything(from);
    let copied = 0;
    for (const breaks of [1, 300, 480]) {
      const interrupted = new AbortController();
      const onProgress = ({ rows }: { rows: number }): void => {
        copied += rows;
        if (copied >= breaks) interrupted.abort(new Error('interrupted'));
      };
      await expect(move(from, to, { signal: interrupted.signal, onProgress })).rejects.toThrow('interrupted');
      expect(await to.store.listMailboxes()).toEqual([]);
    }
    await move(from, to, { onProgress: ({ rows }) => (copied += rows) });
    const single = await sqlite('single.db');
    const moved = await move(from, single);
    expect(copied).toBe(moved.reduce((sum, { rows }) => sum + rows, 0));
    expect(await everything(to)).toEqual(before);
  });

  it('takes back a mailbox that changed while it was copied, and can move it later', async () => {
    const from = await filled(await sqlite('from.db'));
    const to = await sqlite('to.db');
    await takenBack(from, to, labelled('m2', 'X'));
    expect(await to.store.listMailboxes()).toEqual([]);
    const before = await everything(from);
    expect(await to.store.sweepBodies({ now: 90_000_000, grace: 0 })).toMatchObject({ removed: 0 });
    expect(await everything(from)).toEqual(before);
    await move(from, to);
    expect(await everything(to)).toEqual(before);
  });

  it('finds a body that was written again after a move was taken back', async () => {
    const from = await filled(await sqlite('from.db'));
    const to = await sqlite('to.db');
    const writer = await takenBack(from, to, deleted('m1'));
    await from.store.dropBuriedBodies({ now: 800_000_000, grace: 0 });
    expect(await from.store.sweepBodies({ now: 900_000_000, grace: 0 })).toMatchObject({ removed: 1 });
    await writer.apply([record(103, added('again'))]);
    await writer.save(reading('again', { at: 103, body: `a body of ${alice} that is large enough to lie outside, 1` }));
    const before = await everything(from);
    await move(from, to);
    expect(await everything(to)).toEqual(before);
  });

  it('leaves one database that removes bodies, even when everything is moved back', async () => {
    const from = await filled(await sqlite('from.db'));
    const to = await sqlite('to.db');
    const before = await everything(from);
    await move(from, to);
    // The source still holds its rows; removing them touches nothing that the target names.
    for (const id of [alice, bob]) await from.store.beginRemoval({ mailbox: id, chain: null, now: 1 });
    await from.store.finishRemovals({ now: 1 });
    await move(to, from);
    expect(await everything(from)).toEqual(before);
    for (const { store } of [to, from]) {
      await store.beginRemoval({ mailbox: alice, chain: null, now: 1 });
      await store.finishRemovals({ now: 1 });
    }
    expect(await to.store.sweepBodies({ now: 90_000_000, grace: 0 })).toMatchObject({ removed: 0 });
    expect(await from.store.sweepBodies({ now: 90_000_000, grace: 0 })).toMatchObject({ removed: 30 });
    expect(objectsIn(place())).toHaveLength(30);
  });

  it('moves nothing while the folder of the bodies is not there', async () => {
    const from = await filled(await sqlite('from.db'));
    const to = await sqlite('to.db');
    renameSync(place(), place('unmounted'));
    await expect(move(from, to)).rejects.toThrow('are not there');
    expect(await to.store.listMailboxes()).toEqual([]);
    renameSync(place('unmounted'), place());
    const before = await everything(from);
    await move(from, to);
    expect(await everything(to)).toEqual(before);
  });

  it('notices a row that was changed on the way', async () => {
    const from = await filled(await sqlite('from.db'));
    const to = await sqlite('to.db');
    const spoilt: Promise<unknown>[] = [];
    const onProgress = ({ table }: { table: string }): void => {
      if (table === 'bodies' && spoilt.length === 0)
        spoilt.push(
          to.database.write((tx) =>
            tx.updateTable('messages').set({ snippet: 'spoilt' }).where('id', '=', 'm3').execute(),
          ),
        );
    };
    await expect(move(from, to, { onProgress })).rejects.toThrow('was taken back from the target');
    await Promise.all(spoilt);
  });

  describePostgres('from SQLite to PostgreSQL and back', () => {
    const newDatabase = useDatabases();

    it('changes nothing', async () => {
      const from = await filled(await sqlite('from.db'), 300);
      const postgres = await open(await newDatabase());
      const back = await sqlite('back.db');
      const before = await everything(from);
      await move(from, postgres);
      expect(await everything(postgres)).toEqual(before);
      await move(postgres, back);
      expect(await everything(back)).toEqual(before);
    });
  });
});
