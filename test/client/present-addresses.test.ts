import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, inject, it, vi } from 'vitest';

import { PresentAddresses } from '../../src/client/present-addresses.ts';
import { registerSearchAttributes } from '../../src/client/register-search-attributes.ts';
import { createRpc } from '../../src/client/rpc.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { workflowIdOf } from '../../src/workflows/definitions.ts';
import { ADDRESS_ATTRIBUTE } from '../../src/workflows/search-attributes.ts';
import { eventually } from '../fixtures/host/eventually.ts';

const MAIDEN = mailboxId(`o'neil-${process.pid}@example.com`);
const MARRIED = mailboxId(`d'arcy-${process.pid}@example.com`);
const STRANGER = mailboxId('stranger@example.com');

let connection: Connection;
let temporal: Client;
let handle: WorkflowHandle;
/** Ms that the clock is ahead of the real time. */
let passed = 0;
const clock = { ...systemClock, now: () => systemClock.now() + passed };

function addressesNow(): PresentAddresses {
  const rpc = createRpc({ temporal, address: inject('temporalAddress'), clock });
  return new PresentAddresses({ temporal, rpc, clock });
}

beforeAll(async () => {
  connection = await Connection.connect({ address: inject('temporalAddress') });
  temporal = new Client({ connection });
  await registerSearchAttributes({ connection, namespace: 'default', clock: systemClock });
  handle = await temporal.workflow.start('mailbox', {
    workflowId: workflowIdOf(MAIDEN),
    taskQueue: 'nobody',
    typedSearchAttributes: [{ key: ADDRESS_ATTRIBUTE, value: MARRIED }],
  });
  await eventually(30_000, async () => ((await addressesNow().mailboxWith(MARRIED)) === null ? null : true));
});
afterAll(async () => {
  await handle.terminate();
  await connection.close();
});
beforeEach(() => void vi.restoreAllMocks());

it('PresentAddresses finds the running mailbox of a renamed account, and no mailbox for other addresses', async () => {
  const addresses = addressesNow();
  expect(await addresses.mailboxWith(MARRIED)).toBe(MAIDEN);
  expect(await addresses.mailboxWith(MAIDEN)).toBeNull();
  expect(await addresses.mailboxWith(STRANGER)).toBeNull();
});

it('PresentAddresses asks Temporal once a minute, however many notifications come', async () => {
  const asked = vi.spyOn(connection.workflowService, 'listWorkflowExecutions');
  const addresses = addressesNow();
  const found = await Promise.all(Array.from({ length: 500 }, () => addresses.mailboxWith(STRANGER)));
  expect(new Set(found)).toEqual(new Set([null]));
  expect(asked).toHaveBeenCalledTimes(1);
  passed += 61_000;
  expect(await addresses.mailboxWith(MARRIED)).toBe(MAIDEN);
  expect(asked).toHaveBeenCalledTimes(2);
});

it('PresentAddresses keeps its last answer while Temporal does not answer', async () => {
  const addresses = addressesNow();
  expect(await addresses.mailboxWith(MARRIED)).toBe(MAIDEN);
  vi.spyOn(connection.workflowService, 'listWorkflowExecutions').mockRejectedValue(new Error('no answer'));
  passed += 61_000;
  expect(await addresses.mailboxWith(MARRIED)).toBe(MAIDEN);
});
