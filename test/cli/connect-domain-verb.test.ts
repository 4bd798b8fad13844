import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/host/log.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { openWithStores } from '../../src/app/open-with-stores.ts';
import { startSimulatorServer, type SimulatorServer } from '../../src/simulator/server.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { installRuntime } from '../../src/telemetry/runtime.ts';
import { runWorker } from '../../src/worker.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { tidemark as runVerb } from '../fixtures/system/cli.ts';

// Once in a process, before its first worker.
installRuntime(createLog('silent'));

/** Long enough for a busy machine: a wait ends as soon as its condition holds. */
const PATIENCE = { timeout: 45_000 };
const READONLY = 'https://www.googleapis.com/auth/gmail.readonly';
const DIRECTORY = 'https://www.googleapis.com/auth/admin.directory.user.readonly';
/** Each test has its own domain, since the shared Temporal server remembers which mailboxes were stopped. */
let domain = '';
let domains = 0;
const at = (name: string): string => `${name}@${domain}`;

/** Private keys by their ids: making one takes longer than most of these tests. */
const keys = new Map<string, string>();

function privateKey(id: string): string {
  const { privateKey: made } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  keys.set(id, made);
  return made;
}

function serviceAccount(id = 'k1'): string {
  return JSON.stringify({
    type: 'service_account',
    client_email: 'robot@project.iam.gserviceaccount.com',
    private_key: keys.get(id) ?? privateKey(id),
    private_key_id: id,
  });
}

describe('tidemark connect-domain', () => {
  let dataDir: string;
  let env: Record<string, string>;
  let simulator: Simulator;
  let server: SimulatorServer;
  beforeEach(async () => {
    domain = `domain-${domains++}-${process.pid}.example`;
    dataDir = mkdtempSync(join(tmpdir(), 'tidemark-domain-'));
    simulator = new Simulator({ clock: systemClock });
    for (const name of ['admin', 'ann', 'bea', 'cy', 'dan', 'eve']) simulator.addMailbox(at(name));
    simulator.directory.set(at('admin'), { isAdmin: true });
    simulator.directory.set(at('cy'), { suspended: true });
    simulator.directory.set(at('dan'), { orgUnitPath: '/Sales/Europe' });
    simulator.directory.set(at('eve'), { orgUnitPath: '/Sales' });
    simulator.directory.set(at('printer'), { isMailboxSetup: false });
    simulator.directory.set(at('old'), { archived: true });
    server = await startSimulatorServer({ simulator, port: 0 });
    env = {
      HOME: dataDir,
      TIDEMARK_DATA_DIR: dataDir,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TIDEMARK_TASK_QUEUE: `domain-${process.pid}`,
      GMAIL_ROOT_URL: server.url,
      GOOGLE_TOKEN_URL: `${server.url}/token`,
      GOOGLE_ADMIN_URL: server.url,
    };
    writeFileSync(join(dataDir, 'robot.json'), serviceAccount());
  });
  afterEach(async () => {
    const tidemark = await openWithStores({ config: loadConfig({ env }) });
    for (const mailbox of (await tidemark.client.running()).keys()) {
      if (mailbox.endsWith(domain))
        await tidemark.temporal.workflow
          .getHandle(`mailbox/${mailbox}`)
          .terminate()
          .catch(() => undefined);
    }
    await tidemark.close();
    await server.close();
    rmSync(dataDir, { recursive: true });
  });

  const run = (args: readonly string[]) => runVerb(env, ...args);
  const connect = (...more: string[]) =>
    run(['connect-domain', '--admin', at('admin'), '--credentials', join(dataDir, 'robot.json'), ...more]);
  const result = async (...more: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await connect(...more, '--json');
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const leftOut = () => [
    { mailbox: at('cy'), reason: 'suspended' },
    { mailbox: at('old'), reason: 'archived' },
    { mailbox: at('printer'), reason: 'no-mailbox' },
  ];
  const everyone = () => ['admin', 'ann', 'bea', 'dan', 'eve'].map(at);

  it('names the remedy for each mailbox that it could not connect', async () => {
    await result('--dry-run');
    expect(await result()).toMatchObject({ started: everyone() });
    const tidemark = await openWithStores({ config: loadConfig({ env }) });
    await tidemark.credentials.put(mailboxId(at('ann')), { keyId: 'gone', ciphertext: new Uint8Array(64), version: 0 });
    await tidemark.close();
    const { code, stdout } = await connect();
    expect(code).not.toBe(0);
    expect(stdout).toMatch(new RegExp(`failed, ${at('ann')}: .*Connect it: tidemark login ${at('ann')} --client FILE`));
    const { stdout: json } = await connect('--json');
    expect(JSON.parse(json)).toMatchObject({
      failed: [{ mailbox: at('ann'), remedy: { kind: 'connect', mailbox: at('ann') } }],
    });
  });

  it('starts every mailbox once, names the users that it leaves out, and changes nothing in a dry run', async () => {
    expect(await result('--dry-run')).toEqual({
      dryRun: true,
      started: everyone(),
      running: [],
      stopped: [],
      ownGrant: [],
      renamed: [],
      failed: [],
      leftOut: leftOut(),
    });
    expect(await result('--dry-run')).toMatchObject({ started: everyone() });
    expect(await result()).toEqual({
      dryRun: false,
      started: everyone(),
      running: [],
      stopped: [],
      ownGrant: [],
      renamed: [],
      failed: [],
      leftOut: leftOut(),
    });
    // Visibility lags by some milliseconds behind the starts.
    await expect.poll(async () => ((await result('--dry-run')) as { running: string[] }).running).toEqual(everyone());
    expect(await result()).toEqual({
      dryRun: false,
      started: [],
      running: everyone(),
      stopped: [],
      ownGrant: [],
      renamed: [],
      failed: [],
      leftOut: leftOut(),
    });
    simulator.addMailbox(at('new'));
    expect(await result()).toMatchObject({ started: [at('new')], running: everyone() });
    const words = await connect();
    expect(words.stdout).toContain(`1 left out, suspended: ${at('cy')}`);
  });

  it('starts only one organisational unit and those below it with --org-unit', async () => {
    expect(await result('--org-unit', '/Sales', '--dry-run')).toMatchObject({
      started: [at('dan'), at('eve')],
      leftOut: [],
    });
    const none = await connect('--org-unit', '/Nowhere', '--json');
    expect(JSON.parse(none.stderr)).toMatchObject({
      code: 'domain-no-such-org-unit',
      message: expect.stringContaining('/Nowhere'),
    });
  });

  it('does not touch a mailbox that its owner connected, and gives a new key to the others', async () => {
    const grant = join(dataDir, 'ann.json');
    writeFileSync(grant, JSON.stringify(simulator.credentialsFor(at('ann'))));
    expect((await run(['connect', at('ann'), '--credentials', grant])).code).toBe(0);
    expect(await result()).toMatchObject({
      ownGrant: [at('ann')],
      started: everyone().filter((mailbox) => mailbox !== at('ann')),
    });
    const tidemark = await openWithStores({ config: loadConfig({ env }) });
    const versions = async () =>
      Promise.all(
        (await tidemark.credentials.list()).map(async (mailbox) => [
          mailbox,
          (await tidemark.credentials.get(mailbox))?.version,
        ]),
      );
    const before = await versions();
    await result();
    expect(await versions()).toEqual(before);
    writeFileSync(join(dataDir, 'robot.json'), serviceAccount('k2'));
    await result();
    expect(await versions()).toEqual(
      before.map(([mailbox, version]) => [mailbox, mailbox === at('ann') ? version : 2]),
    );
    await tidemark.close();
  });

  it('starts no second mailbox for a renamed user, and says how to rename the first', async () => {
    const [from, to] = [mailboxId(at('bea')), mailboxId(at('beatrice'))];
    simulator.mailbox(from).insert({ raw: 'Subject: one\r\n\r\nhello\r\n', labelIds: ['INBOX'] });
    const config = loadConfig({ env: { ...env, TIDEMARK_WORKFLOW_BUNDLE: (await workflowBundle()).codePath } });
    const worker = await runWorker({ config, log: createLog('silent'), clock: hurriedClock });
    await result();
    const tidemark = await openWithStores({ config });
    await expect.poll(async () => (await tidemark.client.status(from)).counts.stored, PATIENCE).toBe(1);
    simulator.rename(from, to);
    const others = everyone().filter((mailbox) => mailbox !== from);
    const expected = { started: [], running: others, stopped: [], renamed: [{ mailbox: from, to }] };
    await expect.poll(() => result('--dry-run'), PATIENCE).toMatchObject(expected);
    expect(await result()).toMatchObject(expected);
    expect((await connect()).stdout).toContain(
      `not started, ${to}: ${from} is an alias of this user now, and a mailbox here. If it is the same account: ` +
        `tidemark rename ${from} ${to}\n`,
    );
    expect(await tidemark.credentials.get(to)).toBeNull();

    expect(await run(['rename', from, to])).toMatchObject({ code: 0, stderr: '' });
    await expect.poll(() => result()).toMatchObject({ started: [], running: [...others, to].sort(), renamed: [] });
    await tidemark.client.sync(to, { wait: true });
    await worker.stop();
    await tidemark.close();
  }, 60_000);

  it('does not start stopped or removed mailboxes, and starts one that was connected but never ran', async () => {
    await result();
    const tidemark = await openWithStores({ config: loadConfig({ env }) });
    for (const name of ['ann', 'bea']) await tidemark.temporal.workflow.getHandle(`mailbox/${at(name)}`).terminate();
    await tidemark.client.remove(mailboxId(at('bea')));
    simulator.addMailbox(at('late'));
    expect((await run(['connect', at('late'), '--credentials', join(dataDir, 'robot.json')])).code).toBe(0);
    writeFileSync(join(dataDir, 'robot.json'), serviceAccount('k2'));
    const others = everyone().filter((mailbox) => ![at('ann'), at('bea')].includes(mailbox));
    const expected = { started: [at('late')], running: others, stopped: [at('ann'), at('bea')], failed: [] };
    // Visibility lags by some milliseconds.
    await expect.poll(() => result('--dry-run'), PATIENCE).toMatchObject(expected);
    expect(await result()).toMatchObject(expected);
    expect(await result()).toMatchObject({ started: [], stopped: [at('ann'), at('bea')] });
    // The stopped mailbox has the new key; the removed one has no credentials.
    expect((await tidemark.credentials.get(mailboxId(at('ann'))))?.version).toBe(2);
    expect(await tidemark.credentials.get(mailboxId(at('bea')))).toBeNull();
    await tidemark.close();
  });

  it('starts the others, and exits with 1, when one user gets no token or has unreadable credentials', async () => {
    simulator.directory.set(at('aaron'), {});
    await result().catch(() => undefined);
    const tidemark = await openWithStores({ config: loadConfig({ env }) });
    const record = await tidemark.credentials.get(mailboxId(at('ann')));
    await tidemark.credentials.put(mailboxId(at('ann')), {
      keyId: 'gone',
      ciphertext: record?.ciphertext ?? new Uint8Array(),
      version: record?.version ?? 0,
    });
    simulator.addMailbox(at('new'));
    const { code, stdout, stderr } = await connect('--json');
    expect({ code, error: JSON.parse(stderr) as unknown }).toEqual({
      code: 1,
      error: { code: 'domain-incomplete', message: expect.stringContaining('2 mailboxes') },
    });
    expect(JSON.parse(stdout)).toMatchObject({
      started: [at('new')],
      failed: [{ mailbox: at('aaron') }, { mailbox: at('ann'), message: expect.stringContaining(at('ann')) }],
    });
    expect((await connect()).stdout).toContain(`failed, ${at('aaron')}: `);
    await tidemark.close();
  });

  it('refuses mailboxes that another database mirrors, and stores no credentials for them', async () => {
    const config = loadConfig({ env: { ...env, TIDEMARK_WORKFLOW_BUNDLE: (await workflowBundle()).codePath } });
    const worker = await runWorker({ config, log: createLog('silent'), clock: hurriedClock });
    await result();
    const tidemark = await openWithStores({ config });
    const running = async () => [...(await tidemark.client.running()).keys()].filter((id) => id.endsWith(domain));
    await expect.poll(running, PATIENCE).toHaveLength(everyone().length);
    await expect.poll(() => tidemark.client.hasWorker(), PATIENCE).toBe(true);
    for (const mailbox of everyone()) await tidemark.client.sync(mailbox, { wait: true });
    simulator.addMailbox(at('new'));

    const own = env;
    env = { ...own, DATABASE_URL: `sqlite:${join(dataDir, 'other', 'mail.sqlite')}` };
    await run(['migrate']);
    const told = (mailbox: string) =>
      `${mailbox} is mirrored in another database than the one that is open here. Name the right one in DATABASE_URL. `;
    for (const flags of [['--dry-run'], []]) {
      const { code, stdout, stderr } = await connect(...flags);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(everyone().some((mailbox) => stderr.startsWith(`tidemark: ${told(mailbox)}`))).toBe(true);
    }
    const other = await openWithStores({ config: loadConfig({ env }) });
    expect(await other.credentials.list()).toEqual([]);
    expect(await running()).toHaveLength(everyone().length);

    // A mailbox that has not run yet may belong to this database: then only the others are refused.
    await tidemark.temporal.workflow.getHandle(`mailbox/${at('ann')}`).terminate();
    await other.client.start(mailboxId(at('ann')), {});
    await expect.poll(running, PATIENCE).toHaveLength(everyone().length);
    const { code, stdout } = await connect();
    expect(code).toBe(1);
    expect(stdout).toContain(`1 mailbox started: ${at('new')}\n1 running already\n`);
    for (const mailbox of everyone().filter((id) => id !== at('ann')))
      expect(stdout).toContain(`failed, ${mailbox}: ${told(mailbox)}`);
    expect(await other.credentials.list()).toEqual([at('ann'), at('new')]);
    env = own;
    await worker.stop();
    await other.close();
    await tidemark.close();
  }, 90_000);

  it('changes nothing when it can decrypt none of the stored credentials', async () => {
    await result();
    simulator.addMailbox(at('new'));
    const tidemark = await openWithStores({ config: loadConfig({ env }) });
    const state = async () => ({
      running: [...(await tidemark.client.running()).keys()].filter((id) => id.endsWith(domain)).toSorted(),
      credentials: await Promise.all([...everyone(), at('new')].map((id) => tidemark.credentials.get(mailboxId(id)))),
    });
    await expect.poll(async () => (await state()).running, PATIENCE).toEqual(everyone());
    const before = await state();
    env['TIDEMARK_SECRET_KEY'] = Buffer.alloc(32, 7).toString('base64');
    const { code, stdout, stderr } = await connect('--json');
    expect({ code, stdout, error: JSON.parse(stderr) as unknown }).toMatchObject({
      code: 1,
      stdout: '',
      error: { code: 'secret-key' },
    });
    expect(before.credentials.map((held) => held !== null)).toEqual([...everyone().map(() => true), false]);
    expect(await state()).toEqual(before);
    // Temporal shows a new workflow only after a moment, but knows it at once.
    await expect(tidemark.temporal.workflow.getHandle(`mailbox/${at('new')}`).describe()).rejects.toThrow('not found');
    await tidemark.close();
  });

  it('reads a directory of several pages', async () => {
    for (let i = 0; i < 1_100; i++) simulator.directory.set(at(`user-${i}`), { isMailboxSetup: false });
    expect(((await result('--dry-run')) as { leftOut: unknown[] }).leftOut).toHaveLength(1_103);
  });

  it.for([
    ['a scope for the directory', [READONLY], 'domain-scope-missing', DIRECTORY],
    ['a scope for the mail', [DIRECTORY], 'domain-scope-missing', READONLY],
  ] as const)('names %s that the delegation lacks, and starts nothing', async ([, scopes, code, named]) => {
    simulator.delegation = scopes;
    const { stderr } = await connect('--json');
    expect(JSON.parse(stderr)).toMatchObject({ code, message: expect.stringContaining(named) });
    simulator.delegation = null;
    expect(await result('--dry-run')).toMatchObject({ started: everyone() });
  });

  it('does not blame a refused token on the privileges of the administrator', async () => {
    const error = { code: 401, message: 'Invalid Credentials', errors: [{ reason: 'authError' }] };
    const directory = createServer((_, response) => {
      response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    });
    await new Promise<void>((resolve) => directory.listen(0, '127.0.0.1', resolve));
    const address = directory.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const refused = { ...env, GOOGLE_ADMIN_URL: `http://127.0.0.1:${port}` };
    const account = join(dataDir, 'robot.json');
    const named = ['--admin', at('admin'), '--credentials', account];
    const { code, stderr } = await runVerb(refused, 'connect-domain', ...named);
    directory.close();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        "tidemark: Google's Directory API does not accept the token that Google gave the service account (HTTP 401), " +
        'which mostly passes: try again in some minutes.\n',
    });
  });

  it('needs an administrator, and a service account', async () => {
    const ordinary = await run([
      'connect-domain',
      '--admin',
      at('ann'),
      '--credentials',
      join(dataDir, 'robot.json'),
      '--json',
    ]);
    expect(JSON.parse(ordinary.stderr)).toMatchObject({
      code: 'domain-no-administrator',
      message: expect.stringContaining(at('ann')),
    });
    const unknown = await run([
      'connect-domain',
      '--admin',
      at('nobody'),
      '--credentials',
      join(dataDir, 'robot.json'),
      '--json',
    ]);
    expect(JSON.parse(unknown.stderr)).toMatchObject({
      code: 'domain-no-administrator',
      message: expect.stringContaining(at('nobody')),
    });
    writeFileSync(join(dataDir, 'robot.json'), JSON.stringify(simulator.credentialsFor(at('admin'))));
    expect(await connect()).toMatchObject({ code: 1, stderr: expect.stringContaining('needs a service account') });
  });
});
