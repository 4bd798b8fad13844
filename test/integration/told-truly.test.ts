import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { Program } from '../fixtures/host/program.ts';
import { Switchboard } from '../fixtures/host/switchboard.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { labelId } from '../../src/model/ids.ts';
import { beginNext } from '../fixtures/store/begin-next.ts';
import { CRM } from '../fixtures/store/crm-deliveries.ts';

describe('the command line says what is true', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('told-truly');
  });
  afterAll(() => rig.close());

  const run = (...args: string[]) => tidemark(rig.env, ...args);
  const inSync = (name: string, messages: number) => rig.inSync(name, { messages, threadSize: 1 }, 30_000);

  it('start --wait counts what is stored when it says "in sync", however late Temporal answers', async () => {
    const box = await rig.mailbox('arriving', { messages: 25, threadSize: 1 });
    const port = Number(inject('temporalAddress').split(':')[1]);
    const slow = await Switchboard.to(port, { delay: 700 });
    try {
      const waiting = tidemark({ ...rig.env, TEMPORAL_ADDRESS: `127.0.0.1:${slow.port}` }, 'start', box.id, '--wait');
      await eventually(20_000, async () => ((await rig.tidemark.client.running()).has(box.id) ? true : null));
      const first = box.ids().length;
      await rig.startWorker();
      for (let n = 0; n < 5; n++) box.deliver(`meanwhile ${n}`);
      const { code, stdout } = await waiting;
      expect(code).toBe(0);
      expect(stdout).toMatch(/ is in sync: \d+ messages, /);
      const stored = Number(/in sync: (\d+) messages/.exec(stdout)?.[1]);
      expect(stored).toBeGreaterThanOrEqual(first);
      expect(stored).toBeLessThanOrEqual(box.ids().length);
    } finally {
      await slow.close();
    }
  }, 60_000);

  /** Delivers a message that is listed, and that every get calls not found. */
  function deliverUnseen(box: TestMailbox): void {
    const effect = { kind: 'status', status: 404, reason: 'notFound' } as const;
    for (const method of ['messages.get', 'threads.get'] as const)
      rig.simulator.faults.add({ match: { email: box.id, method }, effect });
    box.deliver('not visible yet');
  }

  it('sync --wait does not count new mail that is still to fetch as part of the full sync', async () => {
    const box = await inSync('late', 3);
    deliverUnseen(box);
    const { code, stdout } = await run('sync', box.id, '--wait');
    rig.simulator.faults.clear();
    expect(code).toBe(0);
    expect(stdout).toMatch(/: 3 messages stored; 1 new or changed message still to fetch\.\n$/);
    await box.exact(60_000);
  }, 90_000);

  it('resync --wait says what is still to fetch', async () => {
    const box = await inSync('relisted', 3);
    deliverUnseen(box);
    const { code, stdout } = await run('resync', box.id, '--wait');
    rig.simulator.faults.clear();
    expect(code).toBe(0);
    expect(stdout).toMatch(/ is resynchronised \(full sync 2\): 3 messages stored; 1 .*message.* still to fetch\.\n/);
  }, 90_000);

  it('sync --wait says until when a long limit of Gmail lasts, instead of waiting in silence', async () => {
    const box = await inSync('limited', 3);
    const until = systemClock.now() + 10 * 60_000;
    rig.simulator.faults.add({ match: { email: box.id }, effect: { kind: 'retry-after', until } });
    const waiting = new Program('cli/main.ts', ['sync', box.id, '--wait'], rig.env);
    const [said] = await waiting.says(/Still waiting\. .*\n/);
    rig.simulator.faults.clear();
    await waiting.end('SIGTERM');
    expect(said).toContain(
      `Gmail's user limit is reached for ${box.id}: waiting until ${new Date(until).toISOString().slice(0, 16)}`,
    );
  }, 60_000);

  it('status says that a past error is over', async () => {
    const box = await inSync('mended', 3);
    await box.handle.signal('configure', { pollInterval: 'often' });
    const told = async () => (await run('status', box.id)).stdout;
    expect(await told()).toMatch(/last error +the settings were not changed: .*; since 20\d\d-/);
    expect(await run('configure', box.id, '--poll-interval', '7m')).toMatchObject({ code: 0 });
    expect(await told()).toMatch(
      /last error +none now\. The last one, over since 20\S+ \S+Z \(\d+s ago\), was: the sett/,
    );
  }, 60_000);

  it('a dry run of a wider scope says what it would fetch when nothing is stored yet', async () => {
    const box = await rig.mailbox('empty-scope', { messages: 12, threadSize: 1 });
    const { id } = box.gmail.createLabel('Empty');
    await box.client.start(box.id, { ...box.settings, scope: { labelIds: [labelId(id)] } });
    await eventually(30_000, async () => ((await box.report()).inSync === true ? true : null));
    const { stdout } = await run('start', box.id, '--dry-run', '--all-mail');
    expect(stdout).toMatch(
      new RegExp(`^Nothing was changed\\. ${box.id} was started before\\. Of its mail, \\d+ messages are to fetch`),
    );
  }, 60_000);

  it('configure does not call a scope empty when Gmail could not be asked', async () => {
    const box = await rig.mailbox('unasked', { messages: 3, threadSize: 1 });
    const [kept, other] = [box.gmail.createLabel('Kept'), box.gmail.createLabel('Other')];
    box.deliver('elsewhere', [other.id]);
    await box.client.start(box.id, { ...box.settings, scope: { labelIds: [labelId(other.id)] } });
    await eventually(30_000, async () => {
      const { inSync: isInSync, counts } = await box.report();
      return isInSync === true && counts.stored === 1 ? true : null;
    });
    rig.simulator.faults.add({
      match: { email: box.id, method: 'labels.get' },
      effect: { kind: 'status', status: 503 },
    });
    const { code, stderr } = await run('configure', box.id, '--label', kept.id, '--yes');
    rig.simulator.faults.clear();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        `tidemark: ${box.id} was not changed: the one message that it holds would leave, ` +
        'and Gmail could not be asked whether the new scope has other ones. Try again later.\n',
    });
  }, 60_000);

  it('remove says how many rows went, and reading the changes says that the mailbox was removed', async () => {
    const box = await rig.mailbox('to-remove', { messages: 5, threadSize: 1 });
    box.gmail.poison(box.ids()[0] ?? '', 400);
    await box.start();
    await eventually(30_000, async () => ((await box.report()).counts.failed === 1 ? true : null));
    await run('stop', box.id);
    expect((await run('status', box.id)).stdout).toMatch(/failed +1 \(tried again once it runs: /);
    expect((await run('remove', box.id, '--yes')).stdout).toMatch(/ is removed: \d+ rows\.\n$/);
    await expect(rig.tidemark.client.readChanges(box.id)).rejects.toThrow('the mailbox was removed or renamed, or');
  }, 60_000);

  it('connect says that a paused mailbox stays paused, and that it stores a grant while Temporal refuses', async () => {
    const box = await inSync('paused', 3);
    const file = join(rig.folder, 'grant.json');
    writeFileSync(file, JSON.stringify(rig.simulator.credentialsFor(box.id)));
    await run('pause', box.id);
    const connect = ['connect', box.id, '--credentials', file];
    expect((await run(...connect)).stdout).toContain(
      'Its workflow runs, and uses these credentials from now on, but it is paused. ' +
        `Continue with: tidemark resume ${box.id}\n`,
    );
    const { code, stdout } = await tidemark({ ...rig.env, TEMPORAL_NAMESPACE: 'nowhere' }, ...connect);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /is connected \(\d+ messages at Gmail\)\. Its workflow could not be told of that\. .*no namespace "nowhere"/,
    );
  }, 60_000);

  it('replay names the verb for pruned changes, and says that an ended subscription delivers nothing', async () => {
    const box = await inSync('replayed', 3);
    const { store } = rig.tidemark;
    const now = systemClock.now();
    await store.putSubscription({ definition: CRM, beginning: { kind: 'first' }, now });
    const next = await beginNext(store, { mailbox: box.id, subscription: 'crm', now });
    if (next.kind !== 'begun') throw new Error(`no delivery begins: ${next.kind}`);
    await store.acceptDelivery({ mailbox: box.id, subscription: 'crm', id: next.delivery.id, now });
    await store.pruneChanges({ before: systemClock.now() + 1 });
    const replay = ['replay', 'crm', '--mailbox', box.id, '--after', '0'];
    expect((await run(...replay)).stdout).toMatch(
      /^crm goes back in 1 mailbox\.\n\d+ changes of 1 mailbox cannot .* tidemark export has the messages as they are/,
    );
    await store.endSubscription({ name: 'crm', reason: 'example.com answered 410', now });
    const ended =
      /crm ended at 20\S+ \S+Z: example\.com answered 410\. Nothing is delivered\. .*: tidemark subscribe crm\n$/;
    for (const verb of [replay, ['deliveries', 'crm']]) expect((await run(...verb)).stdout).toMatch(ended);
    expect((await run(...replay)).stdout).not.toContain('not beyond');
    await run('unsubscribe', 'crm');
  }, 60_000);

  it('rename says what to do about a revoked grant', async () => {
    const box = await inSync('renamed-revoked', 3);
    await run('stop', box.id);
    rig.simulator.revoke(box.id);
    const { code, stderr } = await run('rename', box.id, `new-${box.id}`);
    expect(code).toBe(1);
    expect(stderr).toContain('nothing was changed. ');
    expect(stderr).toContain(
      'Google no longer accepts its credentials. Connect the mailbox again. If you know better: ',
    );
  }, 60_000);
});
