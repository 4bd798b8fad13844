import { AsyncResource } from 'node:async_hooks';

import { Client, type WorkflowClientInterceptor } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { TidemarkClient } from '../../src/client/tidemark-client.ts';
import { renamingAccess } from '../../src/accounts/rename-access.ts';
import { webhookAccess } from '../../src/app/webhooks-of-config.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { Rig } from '../fixtures/system/rig.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.open('one-reading');
});
afterAll(() => rig.close());

/** Holds queries of workflows back until they are let through. */
function heldQueries(): {
  readonly interceptor: WorkflowClientInterceptor;
  readonly asked: Promise<void>;
  letThrough(): void;
} {
  const asked = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  // Runs a held query outside the caller's context, whose deadline may pass meanwhile.
  const outside = new AsyncResource('held');
  const interceptor: WorkflowClientInterceptor = {
    async query(input, next) {
      asked.resolve();
      await open.promise;
      return outside.runInAsyncScope(() => next(input));
    },
  };
  return { interceptor, asked: asked.promise, letThrough: () => open.resolve() };
}

it('a report that says in sync counts what the store holds by then, however late Temporal answers', async () => {
  const box = await rig.mailbox('counted', { messages: 25 });
  const { store, credentials, temporal } = rig.tidemark;
  const held = heldQueries();
  const client = new TidemarkClient({
    temporal: new Client({
      connection: temporal.connection,
      namespace: temporal.options.namespace,
      dataConverter: temporal.options.dataConverter,
      interceptors: { workflow: [held.interceptor] },
    }),
    store,
    credentials,
    renaming: renamingAccess({ config: rig.config, stores: rig.tidemark, clock: systemClock }),
    webhooks: webhookAccess(rig.config, rig.tidemark, systemClock),
    clock: systemClock,
  });
  await box.start();
  const asking = client.status(box.id);
  await held.asked;
  // A report that reads the store while the query is held finds it empty.
  await rig.startWorker();
  await box.exact(30_000);
  held.letThrough();
  const report = await asking;
  expect(report).toMatchObject({ inSync: true, counts: { stored: box.ids().length, pending: 0 } });
}, 60_000);
