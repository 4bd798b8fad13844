import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, inject, it, onTestFinished } from 'vitest';

import { connectMailbox } from '../../src/accounts/connect-mailbox.ts';
import { loadConfig } from '../../src/config/config.ts';
import { examineDatabase } from '../../src/doctor/examine-database.ts';
import { examineGoogle } from '../../src/doctor/examine-google.ts';
import { examinePush, examineQuota } from '../../src/doctor/examine-settings.ts';
import { examineTemporal } from '../../src/doctor/examine-temporal.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import type { Installation } from '../../src/doctor/installation.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { startSimulatorServer } from '../../src/simulator/server.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { openStoresOf } from '../../src/storage/open-stores.ts';
import { closeStores } from '../../src/store/open-store.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const ADA = mailboxId('ada@example.com');
const folder = useFolder();

/** Where nothing answers. */
const NOWHERE = 'http://127.0.0.1:1';

const installation = (env: NodeJS.ProcessEnv = {}, now = () => systemClock.now()): Installation => ({
  config: loadConfig({ env: { HOME: folder(), TIDEMARK_DATA_DIR: join(folder(), 'data'), ...env } }),
  clock: { ...systemClock, now },
  signal: new AbortController().signal,
});

async function all(findings: AsyncIterable<Finding>): Promise<Readonly<Record<string, Finding>>> {
  const found: Record<string, Finding> = {};
  for await (const finding of findings) found[finding.part] = finding;
  return found;
}

/** A store with one connected mailbox. */
async function connected(): Promise<Installation> {
  const found = installation();
  const stores = await openStoresOf(found.config);
  const simulator = new Simulator({ clock: systemClock });
  simulator.addMailbox(ADA);
  const text = JSON.stringify(simulator.credentialsFor(ADA));
  await connectMailbox({ config: found.config, stores, mailbox: ADA, clock: systemClock, text, verify: false });
  await closeStores(stores);
  return found;
}

async function served(): Promise<string> {
  const server = await startSimulatorServer({ simulator: new Simulator({ clock: systemClock }), port: 0 });
  onTestFinished(() => server.close());
  return server.url;
}

it('names each part that does not work, goes on after it, and makes nothing', async () => {
  const { code, stdout, stderr } = await tidemark(
    {
      HOME: folder(),
      TIDEMARK_DATA_DIR: join(folder(), 'data'),
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      GMAIL_ROOT_URL: NOWHERE,
      GOOGLE_TOKEN_URL: NOWHERE,
    },
    'doctor',
  );
  expect(code).toBe(1);
  expect(stderr).toBe('tidemark: 4 things do not work: see above.\n');
  const faults = stdout.split('\n').filter((line) => line.startsWith('fault'));
  expect(faults.map((line) => line.split(/\s+/)[1])).toEqual(['database', 'Temporal', 'Gmail', 'tokens']);
  expect(stdout).toMatch(/^ok +push/m);
  expect(readdirSync(folder())).toEqual([]);
});

it('says where the mail is, and that the keys open what is stored', async () => {
  const found = await all(examineDatabase(await connected()));
  expect(found['database']).toMatchObject({ state: 'ok', text: expect.stringContaining('tidemark.sqlite') });
  expect(found['keys']).toMatchObject({ state: 'ok', text: 'The keys open the one stored secret.' });
});

it('says whose credentials no key opens', async () => {
  const found = await connected();
  writeFileSync(join(folder(), 'data', 'tidemark.key'), `${randomBytes(32).toString('base64')}\n`);
  const { keys } = await all(examineDatabase(found));
  expect(keys).toMatchObject({ state: 'fault', text: expect.stringContaining(`: ${ADA}.`) });
});

it('says that the key file is missing, and makes none', async () => {
  const found = await connected();
  const file = join(folder(), 'data', 'tidemark.key');
  rmSync(file);
  const { keys } = await all(examineDatabase(found));
  expect(keys).toMatchObject({ state: 'fault', text: expect.stringContaining(`${file} is missing`) });
  expect(existsSync(file)).toBe(false);
});

it("says that nobody works on the task queue, and what the server's address is", async () => {
  const temporal = inject('temporalAddress');
  const found = await all(
    examineTemporal(installation({ TEMPORAL_ADDRESS: temporal, TIDEMARK_TASK_QUEUE: 'nobody-polls-this' })),
  );
  expect(found['Temporal']).toMatchObject({ state: 'ok', text: expect.stringContaining(temporal) });
  expect(found['worker']).toMatchObject({ state: 'fault', remedy: { kind: 'run-worker' } });
});

it('says that the namespace does not exist, and how to make it', async () => {
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: 'no-such-namespace' };
  const found = await all(examineTemporal(installation(env)));
  expect(found['Temporal']).toMatchObject({
    state: 'fault',
    remedy: { kind: 'make-namespace', namespace: 'no-such-namespace' },
  });
});

it.each([
  [0, 'ok'],
  [30_000, 'warning'],
  [-30_000, 'warning'],
  [10 * 60_000, 'fault'],
])('takes a clock that is %d ms ahead of Google for %s', async (ahead, state) => {
  const url = await served();
  const env = { GMAIL_ROOT_URL: url, GOOGLE_TOKEN_URL: `${url}/token` };
  const found = await all(examineGoogle(installation(env, () => systemClock.now() + ahead)));
  expect(found['clock']?.state).toBe(state);
  expect(found['Gmail']?.state).toBe('ok');
});

it('asks the token endpoint for the time where Gmail does not answer', async () => {
  const url = await served();
  const found = await all(examineGoogle(installation({ GMAIL_ROOT_URL: NOWHERE, GOOGLE_TOKEN_URL: `${url}/token` })));
  expect(found['Gmail']).toMatchObject({ state: 'fault', text: expect.stringContaining('GMAIL_ROOT_URL') });
  expect(found['clock']?.state).toBe('ok');
});

it.each([
  ['2027-02-15', 'warning'],
  ['2026-11-15', 'ok'],
])('on %s the quota of 2025, which ends on 2027-04-01, is %s', (day, state) => {
  const quota = examineQuota(installation({ GMAIL_QUOTA_PRICES: '2025' }, () => Date.parse(day)));
  expect(quota.state).toBe(state);
});

it('says how new mail is noticed', () => {
  expect(examinePush(installation()).text).toContain('polled');
  const topic = 'projects/mail/topics/gmail';
  expect(examinePush(installation({ PUSH_TOPIC: topic })).text).toContain(topic);
});
