import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/host/system-clock.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Program } from '../fixtures/host/program.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

describe('the SQLite file of running workers', () => {
  let rig: Rig;
  let database: string;
  beforeEach(async () => {
    rig = await Rig.open('store-faults');
    database = rig.databaseFile;
  });
  afterEach(() => rig.close());

  /** An activity that is being retried: its attempt, and its last failure as Temporal's UI shows it. */
  async function retriedOf(box: TestMailbox): Promise<{ readonly attempt: number; readonly failure: string } | null> {
    const { raw } = await box.handle.describe();
    const retried = (raw.pendingActivities ?? []).flatMap(({ attempt, lastFailure }) =>
      lastFailure == null
        ? []
        : [{ attempt: attempt ?? 1, failure: `${lastFailure.applicationFailureInfo?.type}: ${lastFailure.message}` }],
    );
    return retried[0] ?? null;
  }

  const failureOf = async (box: TestMailbox): Promise<string | null> => (await retriedOf(box))?.failure ?? null;

  function change(box: TestMailbox, round: number): void {
    const ids = box.ids();
    box.gmail.modify([ids[round] ?? ''], { add: ['STARRED'], remove: ['UNREAD'] });
    box.gmail.delete(ids[round + 10] ?? '');
    box.deliver(`round ${round}`);
  }

  const told = async (box: TestMailbox): Promise<string> => (await tidemark(rig.env, 'status', box.id)).stdout;

  it('is reported while another process locks it for a minute, and becomes exact once it is free', async () => {
    const box = await rig.mailbox('locked', { messages: 60, threadSize: 1, pollInterval: 500 });
    await rig.spawnWorker();
    await box.start();
    await box.exact(30_000);
    expect(await told(box)).toMatch(/phase +live, in sync, since [^]*last error +none\n/);
    const holder = new DatabaseSync(database);
    holder.exec('begin immediate');
    const lockedAt = systemClock.now();
    change(box, 1);
    const waiting = new Program('cli/main.ts', ['sync', box.id, '--wait'], rig.env);
    const locked = /^StoreUnavailable: The database .* is locked by another process\. Trying again$/;
    expect(await eventually(120_000, () => failureOf(box))).toMatch(locked);
    // The lock cannot be noted in the store, so this comes from Temporal.
    const report = await box.report();
    expect(report).toMatchObject({
      condition: { kind: 'failing', message: expect.stringMatching(/is locked by another process/) as string },
      lastError: { message: expect.stringMatching(/is locked by another process/) as string, mendedAt: null },
    });
    const said = await told(box);
    expect(said).toMatch(/phase +live, since /);
    // The relisting, half a minute after a first sync, meets the lock, too.
    const lane = '(live syncs|backfill)';
    const trying = 'The database .* is locked by another process\\. Trying again; since ';
    expect(said).toMatch(new RegExp(`last error +${lane}: ${trying}`));
    await waiting.says(/Still waiting\. The database .* is locked by another process\. Trying again\n/);
    change(box, 2);
    // The first attempt waits half a minute for the lock. Later ones wait a second, and find it held all the same.
    await systemClock.sleep(lockedAt + 60_000 - systemClock.now());
    const { attempt, failure } = await eventually(30_000, async () => {
      const retried = await retriedOf(box);
      return retried !== null && retried.attempt > 3 ? retried : null;
    });
    expect(attempt).toBeGreaterThan(3);
    expect(failure).toMatch(locked);
    expect((await box.report()).condition?.since).toBe(report.condition?.since);
    holder.exec('rollback');
    holder.close();
    await box.exact(90_000);
    expect((await waiting.ended).code).toBe(0);
    await eventually(90_000, async () => (/last error +none\n/.test(await told(box)) ? true : null));
    expect(await box.workflowFailures()).toEqual([]);
  }, 480_000);

  it('is reported when it is damaged, and is filled again once it is removed', async () => {
    const box = await rig.mailbox('damaged', { messages: 60, threadSize: 1, pollInterval: 500 });
    const worker = await rig.spawnWorker();
    await box.start();
    await box.exact(30_000);
    await worker.end('SIGKILL');
    const folded = new DatabaseSync(database);
    folded.exec('pragma wal_checkpoint(truncate)');
    // The schema stays readable, so that a worker can open the file; the rows that it then reads are not.
    const rows = folded.prepare("select rootpage from sqlite_schema where name in ('mailboxes', 'messages')").all();
    folded.close();
    const file = openSync(database, 'r+');
    for (const { rootpage } of rows)
      writeSync(file, Buffer.alloc(8_192, 0xa5), 0, 8_192, (Number(rootpage) - 1) * 8_192);
    closeSync(file);
    await rig.spawnWorker();
    change(box, 1);
    expect(await eventually(60_000, () => failureOf(box))).toMatch(
      new RegExp(
        String.raw`^StoreUnavailable: The database .* is damaged; restore it from a ` +
          String.raw`backup, or delete it to have everything fetched again\. Trying again$`,
      ),
    );
    for (const ending of ['', '-wal', '-shm']) rmSync(`${database}${ending}`, { force: true });
    // This process has the removed file open, too: its first call fails.
    await expect(box.report()).rejects.toMatchObject({ failure: { kind: 'lost' } });
    await box.exact(90_000);
    expect(await box.workflowFailures()).toEqual([]);
  }, 240_000);

  it('becomes exact under two workers at once, and numbers changes without gaps', async () => {
    await Promise.all([rig.spawnWorker(), rig.spawnWorker()]);
    const boxes = await Promise.all(
      ['one', 'two', 'three'].map((name) => rig.mailbox(`shared-${name}`, { messages: 120, pollInterval: 500 })),
    );
    for (const box of boxes) await box.start();
    for (const round of [1, 2, 3]) for (const box of boxes) change(box, round);
    for (const box of boxes) {
      await box.exact(90_000);
      const { changes: feed } = await rig.tidemark.client.readChanges(box.id, { after: 0, limit: 1_000 });
      expect(feed.map(({ sequence }) => sequence)).toEqual(feed.map((_, index) => index + 1));
      expect(await box.workflowFailures()).toEqual([]);
    }
  }, 240_000);
});
