import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findPostgres, HOW_TO_GET_ONE } from '../fixtures/postgres/binaries.ts';
import { administer, PostgresServer } from '../fixtures/postgres/postgres-server.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const here = findPostgres() !== null;

// A server of its own, to be killed.
describe.skipIf(!here)(`workers on PostgreSQL${here ? '' : ` (skipped: ${HOW_TO_GET_ONE})`}`, () => {
  let server: PostgresServer;
  let rig: Rig;
  beforeAll(async () => {
    server = await PostgresServer.start();
    rig = await Rig.open('postgres', {
      env: { DATABASE_URL: server.url, TIDEMARK_SECRET_KEY: randomBytes(32).toString('base64') },
    });
  });
  afterAll(async () => {
    await rig?.close();
    await server?.stop();
  });

  /** Slow batches and small pages, so that a kill can hit any step. */
  async function slowMailbox(name: string, messages: number): Promise<TestMailbox> {
    const box = await rig.mailbox(name, { messages, threadSize: 1, pollInterval: 700 });
    Object.assign(box.gmail.paging, { listPage: 40, historyPage: 3 });
    rig.simulator.faults.add({ match: { email: box.id, method: 'batch' }, effect: { kind: 'slow', ms: 300 } });
    return box;
  }

  function change(box: TestMailbox, round: number): void {
    const ids = box.ids();
    const pick = (n: number): string => ids[(round * 7 + n * 13) % ids.length] ?? '';
    box.gmail.modify([pick(1), pick(2)], { add: ['STARRED'], remove: ['UNREAD'] });
    box.gmail.modify([pick(3)], { add: ['TRASH'] });
    box.gmail.delete(pick(4));
    box.deliver(`round ${round}`);
  }

  it('make the store exact after one, and then the database, is killed, and fetch nothing stored again', async () => {
    const box = await slowMailbox('postgres', 600);
    const storedMore = (than: number) =>
      eventually(40_000, async () => {
        const { stored } = (await box.report()).counts;
        return stored > than ? stored : null;
      });
    const worker = await rig.spawnWorker();
    await box.start();
    let stored = await storedMore(100);
    change(box, 1);
    await worker.end('SIGKILL');
    await rig.noteStored();

    const second = await rig.spawnWorker();
    stored = await storedMore(stored);
    change(box, 2);
    // As when its machine resets: connections break, and what was not committed is gone.
    await server.halt('SIGQUIT');
    await expect(box.report()).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringMatching(/is not there|broke off the connection/) as string,
    });
    await server.resume();
    await rig.noteStored();
    change(box, 3);

    const report = await box.exact(60_000);
    expect(report.fullSyncs).toBe(1);
    expect(await box.workflowFailures()).toEqual([]);
    expect(rig.fetched().bodies).toBeGreaterThan(500);
    expect(rig.fetchedThoughStored()).toEqual([]);
    await second.end('SIGTERM');
  }, 180_000);

  it('share the database, and number changes without gaps', async () => {
    await Promise.all([rig.spawnWorker(), rig.spawnWorker()]);
    const boxes = await Promise.all(
      ['one', 'two', 'three'].map((name) => rig.mailbox(`postgres-${name}`, { messages: 120, pollInterval: 500 })),
    );
    for (const box of boxes) await box.start();
    for (const box of boxes) change(box, 4);
    for (const box of boxes) {
      await box.exact(60_000);
      const { changes: feed } = await rig.tidemark.client.readChanges(box.id, { after: 0, limit: 1_000 });
      expect(feed.map(({ sequence }) => sequence)).toEqual(feed.map((_, index) => index + 1));
    }
    const workers = new Set(
      (await Promise.all(boxes.map((box) => box.runs())))
        .flat()
        .flatMap(({ history }) => history.events ?? [])
        .flatMap(({ activityTaskStartedEventAttributes: started }) => started?.identity ?? []),
    );
    expect(workers.size, 'workers that ran activities').toBe(2);
  }, 120_000);

  it('say so while the server takes no writes, as after a failover, and go on once it does', async () => {
    const box = await rig.mailbox('postgres-demoted', { messages: 30, threadSize: 1, pollInterval: 500 });
    await rig.spawnWorker();
    await box.start();
    await box.exact(60_000);
    const set = (setting: string): Promise<unknown> =>
      administer(
        server.url,
        'set default_transaction_read_only = off',
        `alter database postgres ${setting}`,
        'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname ' +
          '= current_database() and pid <> pg_backend_pid()',
      );
    await set('set default_transaction_read_only = on');
    change(box, 5);
    const demoted = /The PostgreSQL database "postgres" at \S+ is read-only: a standby, or a primary that was demoted/;
    let said = 'nothing';
    const report = await eventually(
      60_000,
      async () => {
        // The first calls after a cut connection may fail.
        const now = await box.report().catch(() => null);
        said = now?.condition?.message ?? said;
        return demoted.test(said) ? now : null;
      },
      () => `status says ${said}`,
    );
    expect(report).toMatchObject({ phase: 'live', conditions: { live: { kind: 'failing' } } });
    const { code, stdout } = await tidemark(rig.env, 'status', box.id);
    expect(code).toBe(0);
    expect(stdout).toMatch(/phase +live, since /);
    const remedy = '; name the primary in DATABASE_URL\\. Trying again; since ';
    expect(stdout).toMatch(new RegExp(`last error +live syncs: ${demoted.source}${remedy}`));
    const json = JSON.parse((await tidemark(rig.env, 'status', box.id, '--json')).stdout) as object;
    expect(json).toMatchObject({
      condition: { kind: 'failing', message: expect.stringMatching(demoted) as string },
      conditions: { live: { kind: 'failing' } },
      lastError: { mendedAt: null },
    });
    await set('reset default_transaction_read_only');
    await box.exact(90_000);
    expect((await tidemark(rig.env, 'status', box.id)).stdout).toMatch(/last error +none/);
    expect(await box.workflowFailures()).toEqual([]);
  }, 240_000);
});
