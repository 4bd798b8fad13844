import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ComposeLoader, root, type ComposeProject } from '../fixtures/compose/compose-file.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { AUDIENCE, Google, SERVICE_ACCOUNT } from '../fixtures/gmail/google.ts';
import { buildImage } from './image.ts';
import { Machine, type Instance } from './machine.ts';
import { gatherPrograms } from './programs.ts';

const EMAIL = 'ada@example.com';
/** As docs/commands.md says. */
const DRAINS_WITHIN = 10_000;

interface Truth {
  readonly messages: readonly { id: string; threadId: string; labelIds: string[]; historyId: string; raw: string }[];
}

// Only Linux has a whole network of loopback addresses, one for each container.
describe.skipIf(process.platform !== 'linux')('production, as docker-compose.yml describes it', () => {
  let folder: string;
  let project: ComposeProject;
  let machine: Machine;
  let google: Google;
  let app: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-production-'));
    app = join(folder, 'app');
    execFileSync('sh', [join(root, 'deploy/make-secrets.sh'), join(folder, 'made')], { stdio: 'pipe' });
    const loader = await ComposeLoader.build();
    project = await loader.load(
      { TIDEMARK_SECRETS: join(folder, 'made') },
      'docker-compose.yml',
      'deploy/compose.simulator.yml',
    );
    loader.close();
    await buildImage(folder);
    const version = /:([\d.]+)$/.exec(project.services['temporal']?.image ?? '')?.[1] ?? '';
    const programs = await gatherPrograms({ folder, app, temporalVersion: version });
    google = await Google.start();
    // What an operator writes into tidemark.env.
    const tidemarkEnv = {
      PUSH_AUDIENCE: AUDIENCE,
      PUSH_SERVICE_ACCOUNT: SERVICE_ACCOUNT,
      GOOGLE_KEYS_URL: google.keysUrl,
    };
    machine = new Machine({ project, programs, folder, app, tidemarkEnv });
    await machine.prepare();
  });
  afterAll(async () => {
    await machine.down();
    await google.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const gmail = (path: string): string => `http://${machine.addressOf('simulator')}:8025/simulator/${path}`;
  async function change(command: string, body: object): Promise<Record<string, unknown>> {
    const response = await fetch(gmail(command), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: EMAIL, ...body }),
    });
    if (!response.ok) throw new Error(`${command}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }
  const deliver = (subject: string): Promise<Record<string, unknown>> =>
    change('messages', {
      raw: `From: bob@example.com\r\nSubject: ${subject}\r\n\r\nhello\r\n`,
      labelIds: ['INBOX', 'UNREAD'],
    });
  const truth = async (): Promise<Truth> => (await (await fetch(gmail(`truth?email=${EMAIL}`))).json()) as Truth;

  /** A command of Tidemark's in a worker's environment, as `docker compose run worker` gives it. */
  async function tidemark(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await machine.run('worker', 'tidemark', ...args);
    if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  }

  interface Status {
    readonly phase: string;
    readonly inSync: boolean;
    readonly historyId: string;
    readonly fullSyncs: number;
    /** Epoch ms. */
    readonly nextSyncAt: number | null;
    readonly counts: { stored: number; pending: number; failed: number };
  }
  const status = async (): Promise<Status> => JSON.parse(await tidemark('status', EMAIL, '--json')) as Status;

  type Line = Truth['messages'][number];
  const linesOf = (messages: readonly Line[]): Map<string, string> =>
    new Map(
      messages.map(({ id, threadId, labelIds, historyId, raw }) => [
        id,
        JSON.stringify([threadId, labelIds.toSorted(), historyId, raw]),
      ]),
    );

  /**
   * Ids of the messages whose thread, labels, historyId or bytes are not the same in the store and at Gmail, or which
   * only one of them has.
   */
  async function differences(): Promise<string[]> {
    const exported = (await tidemark('export', EMAIL)).trimEnd().split('\n');
    const stored = linesOf(exported.map((line) => JSON.parse(line) as Line));
    const wanted = linesOf((await truth()).messages);
    expect(wanted.size).toBeGreaterThan(1_900);
    return [...new Set([...stored.keys(), ...wanted.keys()])].filter((id) => stored.get(id) !== wanted.get(id));
  }

  async function expectExact(): Promise<Status> {
    await tidemark('sync', EMAIL, '--wait');
    const reached = await eventually(60_000, async () => {
      const now = await status();
      return now.inSync && now.counts.pending === 0 ? now : null;
    });
    expect(await differences()).toEqual([]);
    expect(reached.counts.failed).toBe(0);
    return reached;
  }

  const workers = (): Instance[] =>
    (machine.instances.get('worker') ?? []).filter(({ child }) => child.exitCode === null && child.signalCode === null);
  const isReady = async ({ address }: Instance): Promise<true | null> =>
    (await fetch(`http://${address}:8081/readyz`).catch(() => null))?.ok === true ? true : null;

  it('builds an image without dev dependencies, whose files its user cannot change', () => {
    const modules = readdirSync(join(app, 'node_modules'));
    expect(modules).toEqual(expect.arrayContaining(['googleapis', 'kysely', 'pg']));
    for (const name of ['vitest', 'typescript', 'oxlint', 'knip', 'node']) expect(modules, name).not.toContain(name);
    expect(readdirSync(app).toSorted()).toEqual([
      '.npmrc',
      'dist',
      'node_modules',
      'package-lock.json',
      'package.json',
    ]);
    expect(statSync(join(app, 'dist')).mode & 0o022).toBe(0);
    const size = Number(execFileSync('du', ['-sm', app], { encoding: 'utf8' }).split('\t')[0]);
    console.log(`the image adds ${size} MB to that of Node`);
    expect(size).toBeLessThan(200);
  });

  it('comes up in order: databases, schemas, server, namespace, tables, two workers, push endpoint', async () => {
    const began = performance.now();
    for (const name of ['mailbox', 'worker', 'push']) await machine.up(name);
    for (const name of ['worker', 'push'])
      for (const instance of machine.instances.get(name) ?? []) await machine.healthy(name, instance);
    console.log(`everything is up and healthy after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    expect(workers()).toHaveLength(2);
    for (const worker of workers()) await eventually(20_000, () => isReady(worker));
    const [job] = machine.instances.get('mailbox') ?? [];
    expect(await job?.ended, job?.log).toBe(0);
  });

  it('synchronises the mailbox exactly', async () => {
    await expectExact();
  });

  it('runs each job again without harm', async () => {
    for (const name of ['temporal-schema', 'temporal-namespace', 'migrate']) {
      const again = machine.start(name);
      expect(await again.ended, again.log).toBe(0);
    }
  });

  it('stores within seconds what a notification announces, and refuses a forged notification', async () => {
    const url = `http://${machine.addressOf('push')}:8082/push`;
    const notify = async (token: string, historyId: string): Promise<number> => {
      const data = Buffer.from(JSON.stringify({ emailAddress: EMAIL, historyId })).toString('base64');
      const body = JSON.stringify({
        message: { data, messageId: '1', publishTime: new Date().toISOString() },
        subscription: 'projects/p/subscriptions/s',
      });
      return (
        await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
          body,
        })
      ).status;
    };
    await tidemark('configure', EMAIL, '--poll-interval', '1h');
    await expectExact();
    // Recent history is read once more when it has settled. After that, only a notification can bring news.
    const { counts } = await eventually(90_000, async () => {
      const now = await status();
      return now.inSync && (now.nextSyncAt ?? 0) > Date.now() + 600_000 ? now : null;
    });
    const before = counts.stored;
    await deliver('announced');
    expect(await notify(await google.forged(), '1')).toBe(401);
    expect((await status()).counts.stored).toBe(before);
    expect(await notify(await google.token(), '1')).toBe(204);
    await eventually(30_000, async () => ((await status()).counts.stored === before + 1 ? true : null));
  });

  it('loses nothing when a worker is killed while it works, and another one takes over', async () => {
    for (let i = 0; i < 40; i++) await deliver(`before the kill ${i}`);
    const resync = tidemark('resync', EMAIL);
    const [victim] = workers();
    expect(await victim?.stop('SIGKILL')).toMatchObject({ code: null });
    await resync;
    machine.start('worker');
    await deliver('after the kill');
    await expectExact();
  });

  it("loses nothing when Temporal's server is restarted", async () => {
    const [server] = machine.instances.get('temporal') ?? [];
    expect(server).toBeDefined();
    for (let i = 0; i < 20; i++) await deliver(`before the restart ${i}`);
    await server?.stop('SIGTERM');
    await deliver('while Temporal is away');
    const again = machine.start('temporal');
    await machine.healthy('temporal', again);
    await eventually(60_000, async () =>
      (await Promise.all(workers().map(isReady))).every((ready) => ready === true) ? true : null,
    );
    await expectExact();
  });

  it('loses nothing when it scales up and down: a worker ends with 0, well within its grace period', async () => {
    const added = machine.start('worker');
    await machine.healthy('worker', added);
    expect(workers()).toHaveLength(3);
    for (let i = 0; i < 40; i++) await deliver(`scaled ${i}`);
    const syncing = tidemark('sync', EMAIL);
    const ends = await Promise.all(
      workers()
        .slice(0, 2)
        .map((worker) => worker.stop('SIGTERM')),
    );
    await syncing;
    for (const { code, took } of ends) {
      expect(code).toBe(0);
      expect(took).toBeLessThan(DRAINS_WITHIN);
    }
    expect(workers()).toHaveLength(1);
    const { fullSyncs } = await expectExact();
    expect(fullSyncs).toBe(2);
  });

  it('is exact again after its database is restored from a backup', async () => {
    const dump = join(folder, 'tmp', 'tidemark.dump');
    const owner = ['--host', machine.addressOf('postgres'), '--username', 'tidemark', '--dbname', 'tidemark'];
    const password = `PGPASSWORD="$(cat ${join(folder, 'secrets/tidemark_database_password')})"`;
    const postgres = (command: string): ReturnType<Machine['run']> =>
      machine.run('postgres', 'sh', '-c', `${password} ${command}`);
    expect(await postgres(`pg_dump ${owner.join(' ')} --format=custom --file=${dump}`)).toMatchObject({ code: 0 });
    for (let i = 0; i < 10; i++) await deliver(`after the backup ${i}`);
    await expectExact();
    const [worker] = workers();
    await worker?.stop('SIGTERM');
    const restored = await postgres(`pg_restore ${owner.join(' ')} --clean --if-exists --exit-on-error ${dump}`);
    expect(restored.code, restored.stderr).toBe(0);
    expect(existsSync(dump)).toBe(true);
    machine.start('worker');
    await expectExact();
  });

  it('keeps what is secret out of every log', () => {
    const secrets = readdirSync(join(folder, 'secrets')).map((name) =>
      readFileSync(join(folder, 'secrets', name), 'utf8'),
    );
    expect(secrets.length).toBeGreaterThanOrEqual(4);
    for (const name of readdirSync(join(folder, 'logs'))) {
      const log = readFileSync(join(folder, 'logs', name), 'utf8');
      for (const secret of secrets) expect(log.includes(secret), name).toBe(false);
    }
  });
});
