import { join } from 'node:path';
import { Writable } from 'node:stream';

import pino from 'pino';
import { describe, expect, it } from 'vitest';

import { keepHouse } from '../../src/app/housekeeping.ts';
import { createLog, type Log } from '../../src/host/log.ts';
import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { closeStores, openStores, type Stores } from '../../src/store/open-store.ts';
import { deleted, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';
import { alice, inFolder, objectsIn, openOutside } from '../fixtures/store/outside-fixture.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const MINUTE = 60_000;
const log = createLog('silent');

/** A log, and what it says of each line: level, words and figures. */
function heardLog(): { readonly log: Log; readonly said: readonly object[] } {
  const said: object[] = [];
  const lines = new Writable({
    write: (line: Buffer, _encoding, done) => (said.push(JSON.parse(line.toString()) as object), done()),
  });
  return { log: pino({ level: 'info', base: null, timestamp: false }, lines), said };
}

describe("a worker's housekeeping", () => {
  const folder = useFolder();

  /**
   * Minutes for which a body outside the database is kept that nothing names any more; null when it is still there
   * after rounds of four hours.
   */
  async function keptFor(
    sweepGrace: number | null,
    { goneGrace = 0, isSet = true }: { goneGrace?: number | null; isSet?: boolean } = {},
  ): Promise<number | null> {
    const place = join(folder(), 'bodies');
    const mailbox = await openOutside(join(folder(), 'mirror.db'), inFolder(place));
    const { store } = mailbox;
    await mailbox.save(reading('a'));
    await mailbox.applyTwice([record(101, deleted('a'))], { generation: 0, mark: null });
    expect(objectsIn(place)).toHaveLength(1);
    const stopped = new AbortController();
    const begun = mailbox.now;
    let time = begun;
    let gone: number | null = null;
    const sleep = async (milliseconds: number): Promise<void> => {
      if (gone === null && objectsIn(place).length === 0) gone = (time - begun) / MINUTE;
      time += milliseconds;
      if (gone !== null || time - begun > 240 * MINUTE) stopped.abort();
    };
    await keepHouse({
      store,
      goneGrace,
      sweepGrace,
      changesKept: null,
      clock: { now: () => time, random: () => 1, sleep, isSet },
      log,
      signal: stopped.signal,
    });
    await store.close();
    return gone;
  }

  it('removes bodies that nothing names any more when their grace is over', async () => {
    // The first round, after ten minutes, drops the deleted message's body: from then on nothing names it.
    expect(await keptFor(120 * MINUTE)).toBe(10 + 120);
  });

  it('keeps the body of a deleted message for as long as the setting says', async () => {
    expect(await keptFor(0, { goneGrace: 60 * MINUTE })).toBe(60);
  });

  it('keeps the body of a deleted message forever where the setting says so', async () => {
    expect(await keptFor(0, { goneGrace: null })).toBeNull();
  });

  it('removes no body by a clock that Gmail has not set yet', async () => {
    expect(await keptFor(0, { isSet: false })).toBeNull();
  });

  it('prunes changes once they are older than the setting says', async () => {
    const mailbox = await openOutside(join(folder(), 'mirror.db'), inFolder(join(folder(), 'bodies')));
    await mailbox.save(reading('a'));
    const begun = mailbox.now;
    let time = begun;
    let rounds = 0;
    const stopped = new AbortController();
    const sleep = async (milliseconds: number): Promise<void> => {
      if ((await mailbox.changes()).length === 0) stopped.abort();
      else rounds += 1;
      time += milliseconds;
    };
    const clock = { now: () => time, random: () => 1, sleep };
    const graces = { goneGrace: null, sweepGrace: null, changesKept: 60 * MINUTE };
    await keepHouse({ store: mailbox.store, ...graces, clock, log, signal: stopped.signal });
    await mailbox.store.close();
    expect(rounds).toBe(7);
  });

  it('keeps bodies that nothing names forever where the setting says so', async () => {
    expect(await keptFor(null)).toBeNull();
  });

  /** One round of housekeeping that removes whatever may be removed. */
  async function once(store: Stores['store'], now: number): Promise<readonly object[]> {
    const { log: heard, said } = heardLog();
    const stopped = new AbortController();
    let rounds = 0;
    const sleep = async (): Promise<void> => {
      rounds += 1;
      if (rounds > 1) stopped.abort();
    };
    const clock = { now: () => now, random: () => 1, sleep };
    await keepHouse({ store, goneGrace: 0, sweepGrace: 0, changesKept: 0, clock, log: heard, signal: stopped.signal });
    return said;
  }

  it('logs what it did, with figures, and nothing when there was nothing to do', async () => {
    const bodies = inFolder(join(folder(), 'bodies'));
    const stores = await openStores(databaseAt(`sqlite:${join(folder(), 'mirror.db')}`), { bodies });
    const { store, database } = stores;
    const mailbox = new TestMailbox(store, alice);
    await mailbox.put();
    await mailbox.save(reading('a'), reading('b'));
    const later = mailbox.now + 60 * MINUTE;
    await once(store, later);
    expect(await once(store, later)).toEqual([]);

    await mailbox.applyTwice([record(101, deleted('a'))], { generation: 0, mark: null });
    await database.write((tx) => tx.updateTable('messages').set({ described: 0 }).where('id', '=', 'b').execute());
    const other = new TestMailbox(store, mailboxId('bob@example.com'));
    await other.put();
    await store.beginRemoval({ mailbox: other.id, chain: null, now: mailbox.now });
    expect(await once(store, later)).toEqual([
      { level: 30, rows: expect.any(Number) as number, msg: 'rows of removed mailboxes were deleted' },
      { level: 30, dropped: 1, msg: 'bodies of messages that are gone were dropped' },
      { level: 30, pruned: 1, msg: 'old changes were pruned' },
      {
        level: 30,
        removed: 1,
        bytes: expect.any(Number) as number,
        msg: 'bodies that nothing names were removed',
      },
      { level: 30, described: 1, msg: 'mail of an earlier version was read for its headers' },
    ]);
    await closeStores(stores);
    expect(await once(store, later)).toEqual([
      {
        level: 40,
        reason: expect.stringMatching(/^The database .* was closed\.$/) as string,
        msg: 'not everything in the store could be tidied; trying again later',
      },
    ]);
  });
});
