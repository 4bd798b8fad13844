import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import type { DevServer } from '../../src/temporal/dev-server/index.ts';
import { MAILBOX_WORKFLOW } from '../../src/workflows/definitions.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { portOf, startOwnServer } from '../fixtures/temporal/own-server.ts';

const run = promisify(execFile);

/** All tests share one server. Each harms it, so none of them may run beside another. */
describe('a mailbox whose Temporal server is harmed', () => {
  let serverFiles: Rig;
  let server: DevServer;
  let database: string;
  let rig: Rig;
  let box: TestMailbox;

  const begin = (port?: number): Promise<DevServer> =>
    startOwnServer({ binary: inject('temporalBinary'), folder: serverFiles.folder, database, port });
  const kill = async (): Promise<number> => {
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
    return portOf(server);
  };

  beforeAll(async () => {
    // The server's files must outlive the rig of its clients.
    serverFiles = await Rig.open('server-lost-folder');
    database = join(serverFiles.folder, 'temporal.db');
    server = await begin();
    rig = await Rig.open('server-lost', { temporalAddress: server.address });
    await rig.startWorker();
    box = await rig.mailbox('server-lost', { messages: 40, threadSize: 1, pollInterval: 500 });
    await box.start();
    await box.exact(30_000);
  });
  afterAll(async () => {
    await rig.close();
    await server.stop();
    await serverFiles.close();
  });

  /** One of each kind of change at Gmail. */
  function change(at: TestMailbox): void {
    const [first = '', second = '', third = ''] = at.ids();
    at.gmail.delete(first);
    at.gmail.modify([second], { add: ['STARRED'], remove: ['UNREAD'] });
    at.gmail.modify([third], { add: ['TRASH'] });
    at.deliver('meanwhile');
  }

  it('goes on with the next server after the first one is killed', async () => {
    const port = await kill();
    change(box);
    server = await begin(port);
    await box.exact(30_000);
    expect(await box.workflowFailures()).toEqual([]);
    // Only a message in flight at the kill may be fetched again.
    expect(rig.fetched().again).toBeLessThanOrEqual(1);
  }, 60_000);

  it('is brought back by tidemark start after the server lost its database', async () => {
    const port = await kill();
    for (const ending of ['', '-wal', '-shm']) rmSync(`${database}${ending}`, { force: true });
    change(box);
    server = await begin(port);
    await eventually(30_000, async () => ((await tidemark(rig.env, 'start', box.id)).code === 0 ? true : null));
    expect(await box.exact(30_000)).toMatchObject({ generation: 1, fullSyncs: 0 });
    expect(await box.workflowFailures()).toEqual([]);
    expect(rig.fetched().again).toBeLessThanOrEqual(1);
  }, 60_000);

  it('is brought back by a plain start from any client after the server lost its database', async () => {
    const port = await kill();
    for (const ending of ['', '-wal', '-shm']) rmSync(`${database}${ending}`, { force: true });
    change(box);
    server = await begin(port);
    const { connection, options } = rig.tidemark.temporal;
    const plain = new Client({ connection, namespace: options.namespace });
    await eventually(30_000, () =>
      plain.workflow
        .start(MAILBOX_WORKFLOW, {
          workflowId: box.handle.workflowId,
          taskQueue: rig.config.taskQueue,
          args: [{ mailbox: box.id }],
        })
        .then(
          () => true,
          () => null,
        ),
    );
    await box.exact(30_000);
    expect((await box.report()).failingTask).toBeNull();
  }, 90_000);

  it('is brought back by tidemark start in a new namespace after its namespace was deleted', async () => {
    const namespace = async (...command: string[]): Promise<unknown> =>
      run(inject('temporalBinary'), ['operator', 'namespace', ...command, '--namespace', 'mail'], {
        env: { ...rig.env, PATH: process.env['PATH'] },
      });
    await namespace('create');
    const other = await Rig.open('namespace-lost', {
      temporalAddress: server.address,
      env: { TEMPORAL_NAMESPACE: 'mail' },
    });
    try {
      await other.startWorker();
      const lost = await other.mailbox('namespace-lost', { messages: 10, threadSize: 1, pollInterval: 500 });
      await lost.start();
      await lost.exact(30_000);
      await other.stopWorker();
      await namespace('delete', '--yes');
      change(lost);
      await eventually(30_000, () =>
        namespace('create').then(
          () => true,
          () => null,
        ),
      );
      await other.startWorker();
      // For some seconds the server may still show the deleted namespace, with the workflow that made the full sync.
      const found = await eventually(60_000, async () => {
        if ((await tidemark(other.env, 'start', lost.id)).code !== 0) return null;
        const report = await lost.exact(15_000).catch(() => null);
        return report?.fullSyncs === 0 ? report : null;
      });
      expect(found.generation).toBe(1);
    } finally {
      await other.close();
    }
  }, 120_000);
});
