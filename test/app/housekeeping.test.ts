import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepHouse } from '../../src/app/housekeeping.ts';
import { createLog } from '../../src/host/log.ts';
import { deleted, reading, record } from '../fixtures/store/tested-store.ts';
import { inFolder, objectsIn, openOutside } from '../fixtures/store/outside-fixture.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const MINUTE = 60_000;
const log = createLog('silent');

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
});
