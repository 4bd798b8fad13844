import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';

import { sql } from 'kysely';
import pino from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { createActivities } from '../../src/activities/create-activities.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { createWorkers } from '../../src/hosting/temporal-workers.ts';
import { deliveryActivitiesOf, dependenciesOf, openMeans } from '../../src/hosting/worker-means.ts';
import { requestOf } from '../../src/hosting/worker-request.ts';
import { watchClock } from '../../src/telemetry/watch-clock.ts';
import { connectPatiently } from '../../src/temporal/connect-patiently.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

interface LimitedWorker {
  /** As when the disk is full: the database file may not grow. */
  fill(): Promise<void>;
  makeRoom(): Promise<void>;
  stop(): Promise<void>;
}

let rig: Rig;
let worker: LimitedWorker;
const log: string[] = [];
beforeEach(async () => {
  rig = await Rig.open('full-disk');
  worker = await startLimitedWorker();
});
afterEach(async () => {
  await worker.stop();
  await rig.close();
});

/** A worker as `runWorker` puts it together, with a hold of its connection: SQLite limits pages by connection. */
async function startLimitedWorker(): Promise<LimitedWorker> {
  const { config } = rig;
  const lines = new Writable({ write: (line: Buffer, _encoding, done) => (log.push(line.toString()), done()) });
  const request = requestOf('this test', { config, log: pino({ level: 'debug' }, lines), clock: systemClock });
  const means = await openMeans(request);
  const skew = watchClock({ clock: means.clock, telemetry: means.telemetry, log: request.log });
  const deps = dependenciesOf(request, means, skew);
  const connection = await connectPatiently({ config, log: request.log, clock: means.clock, signal: undefined });
  const workers = Object.values(
    await createWorkers(request, means, {
      skew,
      sync: createActivities(deps),
      deliveries: await deliveryActivitiesOf(request, means, deps),
      connection,
      host: null,
    }),
  );
  const runs = workers.map((each) => each.run());
  const limit = (pages: number) =>
    means.stores.database.write((db) => sql`pragma max_page_count = ${sql.lit(pages)}`.execute(db));
  return {
    // SQLite takes the file's present size for a limit below it.
    fill: async () => void (await limit(1)),
    makeRoom: async () => void (await limit(1_000_000)),
    stop: async () => {
      for (const each of workers) each.shutdown();
      await Promise.all(runs);
      await connection.close();
      await Promise.all([means.network.close(), means.webhooks.close()]);
      await means.closeDatabase();
    },
  };
}

/** Random text, since bodies are compressed. */
const deliverLong = (box: TestMailbox) => box.deliver(randomBytes(30_000).toString('base64'));

it('a mailbox on a full disk says so, and becomes exact once there is room', async () => {
  const box = await rig.mailbox('full', { messages: 40, threadSize: 1, pollInterval: 500 });
  await box.start();
  await box.exact(30_000);
  await worker.fill();
  // SQLite rolls back by itself where one row does not fit, and not where one of several does not.
  deliverLong(box);
  const full = /The database \S+ could not be written: the disk is full; make room\. Trying again/;
  const report = await eventually(60_000, async () => {
    const { condition, ...report } = await box.report();
    return condition === null ? null : { condition, ...report };
  });
  expect(report.condition).toMatchObject({ kind: 'failing', message: expect.stringMatching(full) as string });
  expect(report).toMatchObject({ phase: 'live', lastError: { mendedAt: null } });
  const { stdout } = await tidemark(rig.env, 'status', box.id);
  expect(stdout).toMatch(/phase +live, since /);
  expect(stdout).toMatch(
    new RegExp(`last error +(live syncs|backfill|live syncs and backfill): ${full.source}; since`),
  );
  for (let n = 0; n < 19; n++) deliverLong(box);
  await worker.makeRoom();
  expect((await box.exact(90_000)).counts).toMatchObject({ stored: 60, pending: 0, failed: 0 });
  expect((await tidemark(rig.env, 'status', box.id)).stdout).toMatch(/last error +none\n/);
  expect([...log, stdout].filter((text) => /defect|cannot rollback/.test(text))).toEqual([]);
  expect(await box.workflowFailures()).toEqual([]);
}, 240_000);
