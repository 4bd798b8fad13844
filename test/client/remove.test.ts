import { afterEach, describe, expect, it } from 'vitest';

import { MailboxUnknownError } from '../../src/client/errors.ts';
import { workflowIdOf } from '../../src/workflows/definitions.ts';
import { System } from '../fixtures/system/system.ts';

describe('removing a mailbox', () => {
  let system: System;
  afterEach(() => system.close());

  const statusOf = async () =>
    (await system.tidemark.temporal.workflow.getHandle(workflowIdOf(system.mailbox)).describe()).status.name;

  it('ends its workflow, and leaves neither mail nor credentials; a new start begins from nothing', async () => {
    system = await System.open('remove');
    const { client, credentials } = system.tidemark;
    await system.startWorker();
    await client.start(system.mailbox);
    await client.sync(system.mailbox, { wait: true });
    const removed = await client.remove(system.mailbox);
    expect(removed).toMatchObject({ wasRunning: true, wasStored: true });
    expect(removed.rows).toBeGreaterThan(100);
    expect(await statusOf()).toBe('COMPLETED');
    expect(await credentials.get(system.mailbox)).toBeNull();
    await expect(client.status(system.mailbox)).rejects.toBeInstanceOf(MailboxUnknownError);
    expect(await client.remove(system.mailbox)).toEqual({ wasRunning: false, wasStored: false, rows: 0 });

    await system.connect();
    await client.start(system.mailbox);
    await client.sync(system.mailbox, { wait: true });
    await expect.poll(async () => (await client.status(system.mailbox)).inSync, { timeout: 25_000 }).toBe(true);
    expect(await system.stored()).toEqual(await system.truth());
  }, 60_000);

  it('needs no worker', async () => {
    system = await System.open('remove-alone');
    const { client } = system.tidemark;
    await client.start(system.mailbox);
    expect(await client.remove(system.mailbox)).toMatchObject({ wasRunning: true, wasStored: false });
    expect(await statusOf()).toBe('TERMINATED');
    await system.startWorker();
    expect(await system.tidemark.store.getMailbox(system.mailbox)).toBeNull();
  }, 60_000);
});
