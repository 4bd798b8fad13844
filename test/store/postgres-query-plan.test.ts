import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { openStores } from '../../src/store/open-store.ts';
import type { Stores } from '../../src/store/stores.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { findPostgres, HOW_TO_GET_ONE } from '../fixtures/postgres/binaries.ts';
import { PlanServer } from '../fixtures/postgres/plans.ts';
import { EVERY_QUERY, WHOLE_MAILBOX } from '../fixtures/store/every-query.ts';

const here = findPostgres() !== null;

// Its own server, which logs plans; a server that is only named in TIDEMARK_TEST_POSTGRES will not do.
describe.skipIf(!here)(`queries in PostgreSQL${here ? '' : ` (skipped: ${HOW_TO_GET_ONE})`}`, () => {
  let log: PlanServer;
  let stores: Stores;
  let mailbox: TestMailbox;
  beforeAll(async () => {
    // A scan is chosen only where there is no other way: tables of a few rows would be read whole otherwise.
    log = await PlanServer.start({ enable_seqscan: 'off' });
    stores = await openStores(databaseAt(log.server.url));
    mailbox = new TestMailbox(stores.store, mailboxId('alice@example.com'));
    await mailbox.put();
    await mailbox.sync([reading('a'), reading('b')]);
  });
  afterAll(async () => {
    await stores?.store.close();
    await log?.server.stop();
  });

  it("read no table from end to end, except for doubts and a day's units, which concern all mailboxes", async () => {
    const scanning: string[] = [];
    for (const [name, ask] of [...EVERY_QUERY, ...WHOLE_MAILBOX]) {
      log.statements();
      await ask(mailbox);
      const ran = log.statements();
      expect(ran.length, name).toBeGreaterThan(0);
      scanning.push(...ran.flatMap(({ scanned, text }) => scanned.map((table) => `${name} scans ${table}: ${text}`)));
    }
    expect(scanning).toEqual([
      expect.stringMatching(/^countWork scans mailboxes: select "doubt"/),
      expect.stringMatching(/^unitsOfDay scans day_usage/),
    ]);
  });

  it('for the next pending work walk the index of the work to do, in its order', async () => {
    log.statements();
    await mailbox.pending('backfill');
    const plans = log.statements().map(({ plan }) => plan);
    expect(plans.filter((plan) => plan.includes('Index Scan using messages_to_fetch'))).toHaveLength(2);
    expect(plans.filter((plan) => plan.includes('messages_to_fetch') && plan.includes('Sort Key'))).toHaveLength(1);
  });
});
