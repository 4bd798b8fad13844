import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client, Connection } from '@temporalio/client';
import { afterEach, expect, inject, it } from 'vitest';

import { connectMailbox } from '../../src/accounts/connect-mailbox.ts';
import { startPushService } from '../../src/app/push-service.ts';
import { createLog } from '../../src/host/log.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { status } from '../../src/workflows/definitions.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Program } from '../fixtures/host/program.ts';
import { Switchboard } from '../fixtures/host/switchboard.ts';
import { portOf, startOwnServer } from '../fixtures/temporal/own-server.ts';
import { PushRig } from './push-fixture.ts';

const HOUR = 3_600_000;

let push: PushRig;
afterEach(() => push.close());

it('a notification brings new mail into the store that no poll would bring for an hour', async () => {
  push = await PushRig.open('push');
  await push.rig.startWorker();
  const { url } = await push.receive();
  push.deliverTo(url ?? '');
  const box = await push.rig.mailbox('pushed', { messages: 20, pollInterval: HOUR });
  await box.start();
  await box.exact(20_000);
  const syncsBefore = (await box.handle.query(status)).partialSyncs;
  for (let n = 0; n < 3; n++) {
    // Gmail drops what comes within a second of the last event.
    await sleep(1_000);
    box.deliver(`pushed ${n}`);
    await box.exact(10_000);
  }
  const after = await box.handle.query(status);
  expect(after.partialSyncs).toBeGreaterThan(syncsBefore);
  expect(after.pokes).toBeGreaterThan(0);
  expect(push.rig.simulator.watchedUntil(box.id)).not.toBeNull();
  expect(await box.workflowFailures()).toEqual([]);

  // Once stopped, a mailbox is no longer watched, and late notifications for it are acknowledged.
  await box.client.stop(box.id);
  expect(push.rig.simulator.watchedUntil(box.id)).toBeNull();
  expect(await push.post(url ?? '', { emailAddress: box.id, historyId: 1 })).toBe(204);
}, 60_000);

it('a notification under the new address of a renamed account finds its mailbox', async () => {
  push = await PushRig.open('push-renamed');
  const { rig } = push;
  await rig.startWorker();
  const { url } = await push.receive();
  push.deliverTo(url ?? '');
  const box = await rig.mailbox('maiden-name', { messages: 20, pollInterval: HOUR });
  await box.start();
  await box.exact(20_000);
  const present = mailboxId(`married-name-${process.pid}@example.com`);
  expect(await push.post(url ?? '', { emailAddress: present, historyId: 1 })).toBe(204);
  rig.simulator.rename(box.id, present);
  await connectMailbox({
    config: rig.config,
    stores: rig.tidemark,
    mailbox: box.id,
    clock: systemClock,
    text: JSON.stringify(rig.simulator.credentialsFor(present)),
    verify: false,
  });
  await box.client.sync(box.id, { wait: true });
  const query = `WorkflowId = 'mailbox/${box.id}' AND TidemarkAddress = '${present}'`;
  await eventually(10_000, async () => ((await rig.tidemark.temporal.workflow.count(query)).count === 1 ? true : null));
  // A second receiver: the first one asked a moment ago which accounts are renamed, and keeps the answer for a minute.
  const receiver = await startPushService({
    config: rig.config,
    log: createLog('silent'),
    listen: { port: 0, host: '127.0.0.1' },
    pull: false,
  });
  try {
    push.deliverTo(receiver.url ?? '');
    const { pokes } = await box.handle.query(status);
    await sleep(1_000);
    box.deliver('under the new name');
    await box.exact(10_000);
    expect((await box.handle.query(status)).pokes).toBeGreaterThan(pokes);
    expect(await box.workflowFailures()).toEqual([]);
  } finally {
    await receiver.stop();
  }
}, 60_000);

it('a notification is not acknowledged while Temporal is down, and is once Temporal is up', async () => {
  push = await PushRig.open('push-down');
  const { folder } = push.rig;
  const own = { binary: inject('temporalBinary'), folder, database: join(folder, 'temporal.sqlite') };
  const switchboard = await Switchboard.to(null);
  // The receiver starts before Temporal does.
  const { url } = await push.receive({ temporalAddress: `127.0.0.1:${switchboard.port}` });
  const notification = { emailAddress: 'ada@example.com', historyId: '7' };
  const ready = async (): Promise<number> => (await fetch(`${url}/readyz`)).status;
  expect(await push.post(url ?? '', notification)).toBe(503);
  expect(await ready()).toBe(503);
  // The reason holds no address, since anyone who reaches the endpoint may read it.
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({
    status: 'not ready',
    reason: 'Temporal does not answer',
  });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);

  let temporal = await startOwnServer(own);
  switchboard.leadTo(portOf(temporal));
  try {
    await eventually(15_000, async () => ((await ready()) === 200 ? true : null));
    const connection = await Connection.connect({ address: `127.0.0.1:${switchboard.port}` });
    const { workflow } = new Client({ connection });
    const handle = await workflow.start('mailbox', { workflowId: 'mailbox/ada@example.com', taskQueue: 'nobody' });
    expect(await push.post(url ?? '', notification)).toBe(204);
    const signals = async (): Promise<number> =>
      ((await handle.fetchHistory()).events ?? []).filter(
        (event) => event.workflowExecutionSignaledEventAttributes != null,
      ).length;
    expect(await signals()).toBe(1);

    await temporal.stop();
    switchboard.leadTo(null);
    expect(await push.post(url ?? '', notification)).toBe(503);
    temporal = await startOwnServer(own);
    switchboard.leadTo(portOf(temporal));
    await eventually(15_000, async () => ((await push.post(url ?? '', notification)) === 204 ? true : null));
    await eventually(10_000, async () => ((await signals().catch(() => 0)) === 2 ? true : null));
    await connection.close();
  } finally {
    await switchboard.close();
    await temporal.stop();
  }
}, 90_000);

it('`tidemark push` serves with its own certificate, and stops cleanly', async () => {
  push = await PushRig.open('push-program');
  const [cert, key] = [join(push.rig.folder, 'cert.pem'), join(push.rig.folder, 'key.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=localhost',
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
  const program = new Program(
    'cli/main.ts',
    ['push', '--port', '0', '--host', '127.0.0.1', '--tls-cert', cert, '--tls-key', key],
    push.rig.env,
  );
  const [, url = ''] = await program.says(/Listening at (https:\S+)\/push/);
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request(
      `${url}/readyz`,
      { ca: readFileSync(cert), servername: 'localhost', checkServerIdentity: () => undefined },
      (response) => resolve(response.statusCode),
    )
      .once('error', reject)
      .end();
  });
  expect(status).toBe(200);
  expect(await program.end('SIGTERM')).toMatchObject({ code: 0 });
});

it('`tidemark push` names a missing setting', async () => {
  push = await PushRig.open('push-missing');
  const run = async (args: readonly string[], env: NodeJS.ProcessEnv) =>
    new Program('cli/main.ts', ['push', ...args], { ...push.rig.env, ...env }).ended;
  expect(await run(['--port', '0'], { PUSH_AUDIENCE: '' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('PUSH_AUDIENCE is not set') as string,
  });
  expect(await run(['--pull'], {})).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('PUSH_SUBSCRIPTION is not set') as string,
  });
  expect(await run([], { PUSH_TLS_CERT_FILE: 'cert.pem' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('set together') as string,
  });
});
