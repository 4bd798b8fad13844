import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { MailboxBlockedError, MailboxNotRunningError, MailboxUnknownError } from '../../src/client/errors.ts';
import { InvalidIdError, mailboxId } from '../../src/model/ids.ts';
import { System } from '../fixtures/system/system.ts';

describe('the client, beside a worker', () => {
  let system: System;
  beforeAll(async () => {
    system = await System.open('client');
    await system.startWorker();
  });
  afterAll(() => system.close());

  it('starts a mailbox, and wakes it when it is started again', async () => {
    const { client } = system.tidemark;
    expect(await client.start(system.mailbox)).toMatchObject({ wasRunning: false });
    await client.sync(system.mailbox, { wait: true });
    expect(await client.start(system.mailbox)).toMatchObject({ wasRunning: true });
    await expect.poll(async () => (await client.status(system.mailbox)).inSync, { timeout: 25_000 }).toBe(true);
    expect(await system.stored()).toEqual(await system.truth());
  });

  it('returns from a sync when the store has what Gmail had at the call', async () => {
    const { client } = system.tidemark;
    const { changeSequence } = await client.status(system.mailbox);
    const { id } = await system.deliver('news');
    await client.sync(system.mailbox, { wait: true });
    expect(await client.readChanges(system.mailbox, { after: changeSequence })).toMatchObject({
      changes: [{ sequence: changeSequence + 1, kind: 'stored', messageId: id }],
      hasMore: false,
    });
  });

  it('says whether the mailbox is in sync after a sync that it waited for', async () => {
    const { client } = system.tidemark;
    expect(await client.sync(system.mailbox)).toEqual({ inSync: null });
    const { id } = await system.deliver('in sync');
    expect(await client.waitUntilInSync(system.mailbox)).toMatchObject({ inSync: true, phase: 'live' });
    expect((await system.stored()).has(id)).toBe(true);
    expect(await client.sync(system.mailbox, { wait: true })).toEqual({ inSync: true });
  });

  it('takes the address of a mailbox in any case, and refuses what is not an address', async () => {
    const { client } = system.tidemark;
    const written = `  ${system.mailbox.toUpperCase()} `;
    expect((await client.status(written)).mailbox).toBe(system.mailbox);
    expect(await client.sync(written, { wait: true })).toMatchObject({ inSync: true });
    expect((await client.readChanges(written, { limit: 1 })).changes).toMatchObject([{ mailbox: system.mailbox }]);
    const nowhere = 'ada at example.com';
    const asked = [
      client.start(nowhere),
      client.configure(nowhere, {}),
      client.status(nowhere),
      client.sync(nowhere),
      client.resync(nowhere),
      client.waitUntilInSync(nowhere),
      client.pause(nowhere),
      client.reconnect(nowhere),
      client.remove(nowhere),
      client.rename(system.mailbox, nowhere),
      client.forecast(nowhere),
    ];
    for (const each of asked) await expect(each).rejects.toMatchObject({ code: 'invalid-id' });
    expect(() => client.streamMessages(nowhere)).toThrow(InvalidIdError);
  });

  it('returns from a resync when its generation is complete', async () => {
    const { client } = system.tidemark;
    const before = (await client.status(system.mailbox)).generation;
    const { inSync } = await client.resync(system.mailbox, { wait: true });
    const after = await client.status(system.mailbox);
    expect(inSync).toBe(true);
    expect(after).toMatchObject({ generation: before + 1, inSync: true });
    expect(await system.stored()).toEqual(await system.truth());
  });

  it('changes the settings of a mailbox that runs, and keeps those that were not named', async () => {
    const { client } = system.tidemark;
    await client.start(system.mailbox, { pollInterval: 45_000 });
    const { settings } = await client.start(system.mailbox, { scope: { labelIds: ['INBOX'] } });
    expect(settings).toMatchObject({ pollInterval: 45_000, scope: { labelIds: ['INBOX'], includeSpamTrash: false } });
    await client.sync(system.mailbox, { wait: true });
    await expect.poll(async () => (await client.status(system.mailbox)).inSync, { timeout: 25_000 }).toBe(true);
    const inbox = [...(await system.truth())].filter(([, labels]) => labels.split(',').includes('INBOX'));
    expect(await system.stored()).toEqual(new Map(inbox));
    await client.start(system.mailbox, { scope: { labelIds: [] } });
    await expect.poll(async () => (await client.status(system.mailbox)).inSync, { timeout: 25_000 }).toBe(true);
    expect(await system.stored()).toEqual(await system.truth());
  }, 60_000);

  it('changes one setting after another, and audits the store against Gmail', async () => {
    const { client } = system.tidemark;
    await client.configure(system.mailbox, { pollInterval: 30_000 });
    expect(await client.configure(system.mailbox, { auditInterval: null })).toMatchObject({
      pollInterval: 30_000,
      auditInterval: null,
    });
    await expect(client.configure(system.mailbox, { pollInterval: 0 })).rejects.toThrow('pollInterval');
    const result = await client.audit(system.mailbox);
    expect(result).toMatchObject({ checked: (await system.truth()).size, missing: 0, extra: 0, differing: 0 });
    expect((await client.status(system.mailbox)).audit).toEqual(result);
  }, 60_000);

  it('does not wait for a paused mailbox, and waits again once it is resumed', async () => {
    const { client } = system.tidemark;
    await client.pause(system.mailbox);
    await expect(client.sync(system.mailbox, { wait: true })).rejects.toThrow(MailboxBlockedError);
    expect((await client.status(system.mailbox)).phase).toBe('paused');
    await client.resume(system.mailbox);
    await client.sync(system.mailbox, { wait: true });
    expect((await client.status(system.mailbox)).phase).toBe('live');
  });

  it('ends a wait when consent is revoked, and goes on when it is given again', async () => {
    const { client } = system.tidemark;
    await system.control('revoke', {});
    await expect(client.sync(system.mailbox, { wait: true })).rejects.toMatchObject({
      code: 'mailbox-blocked',
      phase: 'needs-consent',
    });
    await system.control('grant', {});
    await system.connect();
    expect(await client.reconnect(system.mailbox)).toBe(true);
    const { id } = await system.deliver('back again');
    await client.sync(system.mailbox, { wait: true });
    expect((await system.stored()).has(id)).toBe(true);
  });

  it('goes on waiting while the worker is replaced, and says that no worker is there', async () => {
    const { client } = system.tidemark;
    await system.stopWorker();
    const { id } = await system.deliver('while nobody works');
    const { promise: noticed, resolve: onNoWorker } = Promise.withResolvers<void>();
    const synced = client.sync(system.mailbox, { wait: true, onNoWorker });
    await noticed;
    await system.startWorker();
    await synced;
    expect((await system.stored()).has(id)).toBe(true);
  });

  it('ends a wait when its caller gives up', async () => {
    const { client } = system.tidemark;
    await system.control('faults', {
      match: { method: 'history.list' },
      effect: { kind: 'slow', ms: 60_000 },
      email: undefined,
    });
    const patience = new AbortController();
    const waiting = client.sync(system.mailbox, { wait: true, signal: patience.signal });
    patience.abort(new Error('no more patience'));
    await expect(waiting).rejects.toThrow('no more patience');
    await system.control('faults/remove', { email: undefined });
  });

  it('stops a mailbox, keeps its mail, and starts it again where it was', async () => {
    const { client } = system.tidemark;
    const before = await client.status(system.mailbox);
    expect(await client.stop(system.mailbox)).toEqual({ ended: true });
    expect(await client.status(system.mailbox)).toMatchObject({
      phase: 'stopped',
      historyId: before.historyId,
      counts: { stored: before.counts.stored },
    });
    for (const command of ['poke', 'pause', 'resume', 'resync'] as const) {
      await expect(client[command](system.mailbox), command).rejects.toThrow(MailboxNotRunningError);
    }
    await expect(client.sync(system.mailbox, { wait: true })).rejects.toThrow(MailboxNotRunningError);
    expect(await client.reconnect(system.mailbox)).toBe(false);
    expect(await client.start(system.mailbox)).toMatchObject({ wasRunning: false });
    await client.sync(system.mailbox, { wait: true });
    expect((await client.status(system.mailbox)).generation).toBe(before.generation);
  });
});

describe('the client, without a worker', () => {
  let system: System;
  beforeAll(async () => {
    system = await System.open('idle');
  });
  afterAll(() => system.close());

  it('starts, commands and describes a mailbox', async () => {
    const { client } = system.tidemark;
    await client.start(system.mailbox);
    await client.pause(system.mailbox);
    expect(await client.status(system.mailbox)).toMatchObject({
      phase: 'full-sync',
      workerAnswered: false,
      inSync: null,
      counts: { stored: 0 },
    });
    expect(await client.hasWorker()).toBe(false);
    expect(await client.stop(system.mailbox, { patience: 200 })).toEqual({ ended: false });
  });

  it('lists a running mailbox that the store does not know', async () => {
    const { client } = system.tidemark;
    await client.start(system.mailbox);
    await expect
      .poll(async () => (await client.list()).find(({ mailbox }) => mailbox === system.mailbox)?.phase, {
        timeout: 10_000,
      })
      .toBe('full-sync');
  });

  it('does not know a mailbox that was never started', async () => {
    await expect(system.tidemark.client.status(mailboxId('nobody@example.com'))).rejects.toThrow(MailboxUnknownError);
  });
});
