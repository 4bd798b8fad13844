import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startPushService } from '../../src/app/push-service.ts';
import { changedConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/host/log.ts';
import { labelId } from '../../src/model/ids.ts';
import { openReader } from '../../src/reading/open-reader.ts';
import { AUDIENCE, SERVICE_ACCOUNT } from '../fixtures/gmail/google.ts';
import { mailWithAttachments } from '../fixtures/gmail/mail-with-attachments.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { Program } from '../fixtures/host/program.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';

describe.concurrent('the command line says what is true in each case', () => {
  endMailboxesWithTheirTests();
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('told-each');
    await rig.startWorker(undefined, hurriedClock);
  });
  afterAll(() => rig.close());

  const run = (...args: string[]) => tidemark(rig.env, ...args);
  const inSync = (name: string, messages = 3) => rig.inSync(name, { messages, threadSize: 1 }, 60_000);

  it('remove of a mistyped address says that nothing was removed', async () => {
    expect(await run('remove', 'adda@example.com', '--yes')).toEqual({
      code: 0,
      stdout: 'There is nothing of adda@example.com here, so nothing was removed. All mailboxes: tidemark list\n',
      stderr: '',
    });
  }, 60_000);

  it('remove of a mailbox that was only connected says that its credentials are gone', async () => {
    const box = await rig.mailbox('connected-only');
    expect((await run('remove', box.id, '--yes')).stdout).toBe(
      `${box.id} is removed: its credentials. No mail of it was stored.\n`,
    );
    expect((await run('remove', box.id, '--yes')).stdout).toMatch(/^There is nothing of /);
  }, 60_000);

  it('subscribe adds nothing, and replay goes back in no mailbox, while Temporal refuses calls', async () => {
    const box = await inSync('subscribed');
    const receiver = ['--url', 'http://127.0.0.1:1/', '--allow-private', '--mailbox', box.id, '--begin', 'first'];
    const refusing = (...args: string[]) => tidemark({ ...rig.env, TEMPORAL_NAMESPACE: 'nowhere' }, ...args);
    const refused = { code: 1, stdout: '', stderr: expect.stringContaining('no namespace "nowhere"') as string };
    expect(await refusing('subscribe', 'unseen', ...receiver)).toMatchObject(refused);
    expect((await run('subscriptions')).stdout).not.toContain('unseen');
    await box.client.pause(box.id);
    await run('subscribe', 'unseen', ...receiver, '--begin', 'now');
    const position = async () => (await rig.tidemark.client.deliveries.positions('unseen'))[0]?.sequence;
    const before = await position();
    expect(await refusing('replay', 'unseen', '--mailbox', box.id, '--after', '0')).toMatchObject(refused);
    expect(await position()).toBe(before);
    await run('unsubscribe', 'unseen');
  }, 60_000);

  it('sync of a workflow that an operator terminated does not say that it was stopped', async () => {
    const box = await inSync('terminated');
    await box.handle.terminate();
    expect((await run('sync', box.id)).stderr).toBe(
      `tidemark: ${box.id} is not running: it was never started here, or its workflow has ended. ` +
        `Start it: tidemark start ${box.id} (tidemark list names all mailboxes)\n`,
    );
  }, 90_000);

  it("the slice that tries a failed message again is not called a fetch of 0 messages in Temporal's UI", async () => {
    const box = await rig.mailbox('summary', { messages: 5, threadSize: 1 });
    box.gmail.poison(box.ids()[0] ?? '', 400);
    await box.start();
    await eventually(30_000, async () => ((await box.report()).counts.failed === 1 ? true : null));
    await run('failures', box.id, '--retry');
    const summaries = async (): Promise<readonly string[]> =>
      ((await box.handle.fetchHistory()).events ?? []).map(({ userMetadata }) =>
        Buffer.from(userMetadata?.summary?.data ?? []).toString(),
      );
    await eventually(30_000, async () => ((await summaries()).includes('"fetch messages that are due"') ? true : null));
    expect((await summaries()).filter((summary) => summary.includes('fetch pending messages (0)'))).toEqual([]);
  }, 90_000);

  it('reading an attachment that Gmail did not give says that syncs ask for it again', async () => {
    const box = await rig.mailbox('kept-back', { format: 'full', threadSize: 1 });
    // An attachment that is not base64 cannot be taken from the raw form with certainty, so it is fetched by its id.
    const file = { name: 'one.txt', content: 'a\r\nb', encoding: '8bit' } as const;
    const raw = mailWithAttachments({ subject: 'files', text: 'see below', attachments: [file] });
    const { id } = box.gmail.insert({ raw, labelIds: ['INBOX'] });
    rig.simulator.faults.add({
      match: { email: box.id, method: 'messages.attachments.get' },
      effect: { kind: 'replace', fields: { size: 12 }, without: ['data'] },
    });
    await box.client.start(box.id, { ...box.settings, attachments: true });
    await eventually(30_000, async () => ((await box.report()).counts.lacking === 1 ? true : null));
    const reader = await openReader({ database: `sqlite:${rig.databaseFile}` });
    const [attachment] = (await (await reader.mailbox(box.id).message(id))?.attachments()) ?? [];
    expect(() => attachment?.content()).toThrow(
      `Gmail did not give the attachment "one.txt" of message ${id} of ${box.id}. Syncs ask for it again.`,
    );
    await reader.close();
  }, 60_000);

  it('move refuses while mailboxes run, and says how to stop them', async () => {
    const box = await inSync('moving');
    const to = `sqlite:${join(rig.folder, 'elsewhere.sqlite')}`;
    const { code, stderr } = await run('move', '--from', `sqlite:${rig.databaseFile}`, '--to', to);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ still (runs\. Pause or stop it|run\. Pause or stop each) and stop the workers, then move/);
    expect(await box.report()).toMatchObject({ phase: 'live' });
  }, 90_000);

  it('codec-server without a key says which one it needs, and when no codec server is needed', async () => {
    expect(await run('codec-server', '--port', '0')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'tidemark: TIDEMARK_PAYLOAD_KEY is not set. Give the key that the workers have; ' +
        "if they have none, payloads are not encrypted, and Temporal's UI needs no codec server.\n",
    });
  });

  it('/readyz of push says whether Temporal refuses calls or does not answer', async () => {
    const { config } = rig;
    const push = { ...config.push, audience: AUDIENCE, serviceAccount: SERVICE_ACCOUNT };
    const reasonWith = async (temporal: Partial<typeof config.temporal>): Promise<unknown> => {
      const service = await startPushService({
        config: changedConfig(config, { push, temporal: { ...config.temporal, ...temporal } }),
        log: createLog('silent'),
        listen: { port: 0, host: '127.0.0.1' },
        pull: false,
      });
      try {
        return await (await fetch(`${service.url}/readyz`)).json();
      } finally {
        await service.stop();
      }
    };
    expect(await reasonWith({ namespace: 'nowhere' })).toEqual({
      status: 'not ready',
      reason: 'Temporal refuses calls',
    });
    expect(await reasonWith({ address: '127.0.0.1:1' })).toEqual({
      status: 'not ready',
      reason: 'Temporal does not answer',
    });
    expect(await reasonWith({})).toEqual({ status: 'ready' });
  }, 60_000);

  it('deliveries calls the next attempt of a stopped mailbox due, and gives no time for it', async () => {
    const box = await inSync('stopped-delivery');
    await run('subscribe', 'refused', '--url', 'http://127.0.0.1:1/', '--allow-private', '--mailbox', box.id);
    box.deliver('for nobody');
    await box.client.sync(box.id, { wait: true });
    const told = async () => (await run('deliveries', 'refused')).stdout;
    await eventually(30_000, async () => ((await told()).includes('(next attempt ') ? true : null));
    await run('stop', box.id);
    const due = await eventually(60_000, async () => {
      const text = await told();
      return text.includes('(next attempt due)') ? text : null;
    });
    expect(due).toMatch(new RegExp(`${box.id} .* \\(next attempt due\\)\n`));
    await run('unsubscribe', 'refused');
  }, 120_000);
});

describe('while the units of the day are spent', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('told-budget', { env: { GMAIL_PROJECT_UNITS_PER_DAY: '1500' } });
    await rig.startWorker(undefined, hurriedClock);
  });
  afterAll(() => rig.close());

  it('start --wait says until when, and failures --retry says that nothing is tried before', async () => {
    const other = await rig.mailbox('does-not-know', { messages: 2, threadSize: 1 });
    const poisoned = other.deliver('refused').id;
    other.gmail.poison(poisoned, 400);
    await other.start();
    await eventually(30_000, async () => ((await other.report()).counts.failed === 1 ? true : null));
    const box = await rig.mailbox('spent', { messages: 400, threadSize: 1 });
    const { id: label } = box.gmail.createLabel('Few');
    box.gmail.poison(box.deliver('refused', [label]).id, 400);
    await box.client.start(box.id, { ...box.settings, scope: { labelIds: [labelId(label)] } });
    await eventually(30_000, async () => ((await box.report()).counts.failed === 1 ? true : null));
    const waiting = new Program('cli/main.ts', ['start', box.id, '--all-mail', '--yes', '--wait'], rig.env);
    await waiting.says(/ held back until 20\S+ \S+Z: the project's units of the day are spent/);
    await waiting.end('SIGTERM');
    const retried = await tidemark(rig.env, 'failures', box.id, '--retry');
    expect(retried.stdout).toMatch(/\n1 failed message: it will be tried again 20\S+ \S+Z \(in \S+\)\.\n/);
    expect(retried.stdout).toMatch(
      /\nThey are not tried yet: the project's units of the day are spent until 20\S+ \S+Z \(in \S+\)\.\n$/,
    );

    // Its backfill was done before, so its workflow does not show that the units of the day are spent.
    other.gmail.poison(poisoned, null);
    const asked = await tidemark(rig.env, 'failures', other.id, '--retry');
    expect(asked.stdout).toMatch(/\n1 failed message: it will be tried again as soon as the quota allows\.\n$/);
    expect(asked.stdout).not.toContain('now');
    const { counts } = await other.report();
    expect(counts).toMatchObject({ failed: 1, stored: 2 });
  }, 90_000);
});
