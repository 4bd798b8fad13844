import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client, Connection } from '@temporalio/client';
import { describe, expect, inject, test as base } from 'vitest';

import { listen } from '../../src/host/listen.ts';
import { systemClock as clock } from '../../src/host/system-clock.ts';
import {
  ensureTemporalServer,
  type EnsureTemporalServerOptions,
  readInstance,
  type TemporalServer,
  TemporalServerError,
} from '../../src/temporal/dev-server/index.ts';

/** A data directory, and the servers over it. */
interface Site {
  readonly dataDir: string;
  readonly log: string[];
  ensure(options?: Partial<EnsureTemporalServerOptions>): Promise<TemporalServer>;
}

/** Tests mostly wait for servers to stop: several run at once, each with its own directory. */
const it = base.extend<{ site: Site }>({
  site: async ({ task }, use) => {
    const dataDir = mkdtempSync(join(tmpdir(), `tidemark-server-${task.id}-`));
    mkdirSync(join(dataDir, 'bin'));
    symlinkSync(inject('temporalBinary'), join(dataDir, 'bin', 'temporal'));
    const log: string[] = [];
    const servers: TemporalServer[] = [];
    await use({
      dataDir,
      log,
      async ensure(options) {
        const server = await ensureTemporalServer({
          dataDir,
          connection: { address: null, namespace: 'default', options: {} },
          log: (line) => log.push(line),
          clock,
          ports: { frontend: 0, ui: 0 },
          env: { PATH: '' },
          ...options,
        });
        servers.push(server);
        return server;
      },
    });
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(dataDir, { recursive: true });
  },
});

async function withClient<Result>(address: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

const isRunning = (address: string, workflowId: string): Promise<boolean> =>
  withClient(
    address,
    async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING',
  );

const startWorkflow = (address: string, workflowId: string): Promise<unknown> =>
  withClient(address, (client) => client.workflow.start('anything', { taskQueue: 'nobody', workflowId }));

/** Puts a program in the server's place that panics as the server does: always, or the first time only. */
function panic({ dataDir }: Site, reason: string, { always }: { always: boolean }): void {
  const path = join(dataDir, 'bin', 'temporal');
  const [panicked, log] = [join(dataDir, 'panicked'), join(dataDir, 'panic.log')];
  const goroutines = Array.from({ length: 20 }, (_, depth) => `main.main()\n\t/home/cmd/main.go:${depth} +0x8e`);
  writeFileSync(log, [`panic: ${reason}`, '', 'goroutine 1 [running]:', ...goroutines, ''].join('\n'));
  rmSync(path);
  const passes = always ? '' : `[ -e ${panicked} ] && exec ${inject('temporalBinary')} "$@"\n`;
  writeFileSync(path, `#!/bin/sh\n${passes}echo >> ${panicked}\ncat ${log} >&2\nexit 2\n`, { mode: 0o755 });
}

const panics = ({ dataDir }: Site): number => readFileSync(join(dataDir, 'panicked'), 'utf8').length;

function pidOfServer({ dataDir }: Site): number {
  const pid = readInstance(dataDir)?.pid;
  if (pid === undefined) throw new Error('no server runs');
  return pid;
}

describe.concurrent('a Temporal server for a data directory', () => {
  it('answers, shows its UI, and is gone when it is stopped', async ({ site }) => {
    const server = await site.ensure();
    expect(server.owned).toBe(true);
    expect(await withClient(server.address, (client) => client.workflow.count())).toMatchObject({ count: 0 });
    expect((await fetch(server.uiUrl ?? '')).status).toBe(200);
    await server.stop();
    expect(readInstance(site.dataDir)).toBeNull();
    await expect(fetch(server.uiUrl ?? '')).rejects.toThrow('fetch failed');
    expect(site.log).toEqual([]);
  });

  it('keeps its state for the next server', async ({ site }) => {
    const first = await site.ensure();
    await startWorkflow(first.address, 'lasting');
    await first.stop();
    const second = await site.ensure();
    expect(await isRunning(second.address, 'lasting')).toBe(true);
  });

  it.skipIf(process.platform !== 'linux')(
    "keeps its files from other users, also those of an earlier version, and gets none of its owner's secrets",
    async ({ site }) => {
      process.env['TIDEMARK_SECRET_KEY'] = 'planted';
      const first = await site.ensure();
      const environment = readFileSync(`/proc/${pidOfServer(site)}/environ`, 'utf8');
      delete process.env['TIDEMARK_SECRET_KEY'];
      expect(environment).toContain('PATH=');
      expect(environment).not.toMatch(/planted|TIDEMARK/);

      const files = (): string[] => readdirSync(site.dataDir).filter((name) => /^temporal\.(sqlite|log)/.test(name));
      const modes = (): number[] => files().map((name) => statSync(join(site.dataDir, name)).mode & 0o777);
      expect(files()).toEqual(expect.arrayContaining(['temporal.log', 'temporal.sqlite', 'temporal.sqlite-wal']));
      expect(new Set(modes())).toEqual(new Set([0o600]));
      await first.stop();
      for (const name of files()) chmodSync(join(site.dataDir, name), 0o644);
      await site.ensure();
      expect(new Set(modes())).toEqual(new Set([0o600]));
    },
  );

  it('makes the namespace that the environment names', async ({ site }) => {
    const server = await site.ensure({ connection: { address: null, namespace: 'mail', options: {} } });
    await withClient(server.address, async ({ workflowService }) => {
      expect((await workflowService.describeNamespace({ namespace: 'mail' })).namespaceInfo?.name).toBe('mail');
    });
  });

  it('is shared by all who ask, and goes on when one that did not start it stops', async ({ site }) => {
    const [first, second] = await Promise.all([site.ensure(), site.ensure()]);
    expect(second.address).toBe(first.address);
    expect(second.uiUrl).toBe(first.uiUrl);
    const [owner, guest] = first.owned ? [first, second] : [second, first];
    expect([owner.owned, guest.owned]).toEqual([true, false]);
    await guest.stop();
    expect(await withClient(owner.address, (client) => client.workflow.count())).toMatchObject({ count: 0 });
  });

  it('takes other ports when its own are in use, and logs them', async ({ site }) => {
    const others = [createServer(), createServer()];
    const taken = await Promise.all(others.map((other) => listen(other, { port: 0, host: '127.0.0.1' })));
    const [frontend = 0, ui = 0] = taken.map(({ port }) => port);
    const server = await site.ensure({ ports: { frontend, ui } });
    const port = Number(server.address.split(':')[1]);
    const uiPort = Number(new URL(server.uiUrl ?? '').port);
    expect(port).not.toBe(frontend);
    expect(site.log).toEqual([
      `port ${frontend} is in use: the Temporal server takes ${port}`,
      `port ${ui} is in use: Temporal's UI takes ${uiPort}`,
    ]);
    for (const other of others) other.close();
  });

  it.skipIf(process.platform === 'win32')(
    'is started again when it loses a port that it had picked',
    async ({ site }) => {
      const reason =
        'failed assigning ephemeral port: dial tcp 127.0.0.1:40002: connect: cannot assign requested address';
      panic(site, reason, { always: false });
      expect((await site.ensure()).owned).toBe(true);
      expect(panics(site)).toBe(1);
    },
  );

  it.skipIf(process.platform === 'win32')(
    'that panics is reported with its reason, and without its stack trace',
    async ({ site }) => {
      panic(site, 'the database is from a later version', { always: true });
      const failure = await site.ensure().then(String, String);
      expect(failure).toMatch(/ended as soon as it was started.*\n {2}panic: the database is from a later version$/);
      expect(panics(site)).toBe(1);
    },
  );

  it('is started when the last one was killed and another process has its id now', async ({ site }) => {
    writeFileSync(
      join(site.dataDir, 'temporal.json'),
      JSON.stringify({ pid: process.pid, address: '127.0.0.1:1', uiUrl: null }),
    );
    expect((await site.ensure()).owned).toBe(true);
  });
});

describe.concurrent('a server that ends', () => {
  it('by a kill is started again at the same address, with its state', async ({ site, expect }) => {
    const server = await site.ensure();
    await startWorkflow(server.address, 'lasting');
    process.kill(pidOfServer(site), 'SIGKILL');
    await expect
      .poll(() => site.log.at(-1), { timeout: 10_000 })
      .toBe(`the Temporal server runs again at ${server.address}`);
    expect(await isRunning(server.address, 'lasting')).toBe(true);
  });

  it('because its owner stops is taken over by another one that uses it', async ({ site, expect }) => {
    const owner = await site.ensure();
    const guest = await site.ensure();
    await startWorkflow(owner.address, 'lasting');
    await owner.stop();
    await expect.poll(() => guest.owned, { timeout: 10_000 }).toBe(true);
    expect(await isRunning(guest.address, 'lasting')).toBe(true);
  });

  it('again and again is given up with an error', async ({ site }) => {
    const server = await site.ensure();
    const givenUp = new AbortController();
    void server.lost.then(() => givenUp.abort());
    while (!givenUp.signal.aborted) {
      const pid = readInstance(site.dataDir)?.pid;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      await clock.sleep(20);
    }
    expect((await server.lost).message).toContain('The Temporal server does not stay up: it ended 6 times.');
  });
});

describe.concurrent('a server that cannot start', () => {
  it('is reported in one sentence, with the end of its log, when it ends at once', async ({ site }) => {
    rmSync(join(site.dataDir, 'bin', 'temporal'));
    writeFileSync(
      join(site.dataDir, 'bin', 'temporal'),
      '#!/bin/sh\necho "unable to open database file" >&2\nexit 1\n',
    );
    chmodSync(join(site.dataDir, 'bin', 'temporal'), 0o755);
    const error: unknown = await site.ensure().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TemporalServerError);
    expect(String(error)).toMatch(
      /ended as soon as it was started\. The end of its log \(.*temporal\.log\):\n {2}unable to open database file$/,
    );
    expect(readInstance(site.dataDir)).toBeNull();
  });

  it('is reported when its files cannot be kept in the data directory', async ({ site }) => {
    writeFileSync(join(site.dataDir, 'file'), '');
    await expect(site.ensure({ dataDir: join(site.dataDir, 'file') })).rejects.toThrow(
      `cannot be kept in ${join(site.dataDir, 'file')}: that is not a directory.`,
    );
  });
});

describe.concurrent('the server that TEMPORAL_ADDRESS names', () => {
  const named = (site: Site, address: string, namespace = 'default') =>
    site.ensure({ connection: { address, namespace, options: {} } });

  it('is used, and never stopped', async ({ site }) => {
    const server = await named(site, inject('temporalAddress'));
    expect(server).toMatchObject({ address: inject('temporalAddress'), uiUrl: null, owned: false });
    await server.stop();
    expect(
      await withClient(server.address, async (client) => (await client.workflow.count()).count),
    ).toBeGreaterThanOrEqual(0);
    expect(existsSync(join(site.dataDir, 'temporal.json'))).toBe(false);
  });

  it('is reported when nothing listens there', async ({ site }) => {
    await expect(named(site, '127.0.0.1:1')).rejects.toThrow(
      'The Temporal server at 127.0.0.1:1 cannot be used: it does not answer. Start or correct it, ' +
        'or unset TEMPORAL_ADDRESS: then Tidemark runs a server of its own.',
    );
  });

  it('is reported when it lacks the namespace', async ({ site }) => {
    await expect(named(site, inject('temporalAddress'), 'nowhere')).rejects.toThrow(
      'cannot be used: it has no namespace "nowhere"',
    );
  });
});
