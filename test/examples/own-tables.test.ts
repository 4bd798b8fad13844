import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { Printing } from '../fixtures/host/program.ts';
import { createDatabase, describePostgres, type TestDatabase } from '../fixtures/postgres/suite-database.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describePostgres('the example own-tables', () => {
  let database: TestDatabase;
  let rig: Rig;
  beforeAll(async () => {
    database = await createDatabase();
    rig = await Rig.open('own-tables', {
      env: { DATABASE_URL: database.url, TIDEMARK_SECRET_KEY: randomBytes(32).toString('base64') },
    });
  });
  afterAll(async () => {
    await rig.close();
    await database.drop();
  });

  const run = (box: TestMailbox): Printing =>
    new Printing(
      spawn(
        process.execPath,
        ['--import', join(root, 'scripts/from-source.mjs'), join(root, 'examples/own-tables/main.ts')],
        { env: { ...process.env, ...rig.env, MAILBOX: box.id }, stdio: ['ignore', 'pipe', 'pipe'] },
      ),
    );

  async function counted(): Promise<Readonly<Record<string, number>>> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      const { rows } = await client.query('select address, messages from crm.senders');
      return Object.fromEntries(rows.map(({ address, messages }) => [address, messages]));
    } finally {
      await client.end();
    }
  }

  /** What the mailbox holds, by sender. */
  async function held(box: TestMailbox): Promise<Readonly<Record<string, number>>> {
    const senders: Record<string, number> = {};
    for await (const { from } of rig.tidemark.reader.mailbox(box.id).messages())
      if (from !== null) senders[from.address] = (senders[from.address] ?? 0) + 1;
    return senders;
  }

  it('counts each message once, although it is killed while it counts', async () => {
    const box = await rig.mailbox('own-tables', { messages: 300, threadSize: 1, format: 'full' });
    rig.simulator.faults.add({ match: { email: box.id, method: 'batch' }, effect: { kind: 'slow', ms: 200 } });
    for (let kill = 0; kill < 2; kill += 1) {
      const killed = run(box);
      await killed.says(/^counted \d+ messages$/m);
      await killed.end('SIGKILL');
    }
    const last = run(box);
    try {
      await eventually(120_000, async () => {
        const { inSync, counts } = await box.report();
        if (inSync !== true || counts.pending > 0) return null;
        const [all, seen] = [await held(box), await counted()];
        return sum(all) === sum(seen) ? true : null;
      });
      expect(await counted()).toEqual(await held(box));
    } finally {
      await last.end('SIGTERM');
    }
  }, 180_000);
});

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);
