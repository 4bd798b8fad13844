import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import type { MailboxActivities } from '../../src/activities/requests.ts';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { backfillQueueOf, MAILBOX_WORKFLOW, workflowIdOf, type MailboxInput } from '../../src/workflows/definitions.ts';
import { workflowBundle } from '../integration/rig.ts';
import { openTimeSkipping } from './time-skipping.ts';

const HOUR = 3_600_000;
const QUEUE = 'older-clock';
const MARK = historyId('9007199254740993');
const COUNTS = { stored: 10, pending: 10, failed: 0 };

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await openTimeSkipping(inject('temporalTestServerBinary'));
});
afterAll(() => environment.teardown());

/** Server times at which slices began. */
const slices: number[] = [];

/** A worker of the version that told times alone, and whose clock is so many ms ahead. Each slice leaves something pending, to be tried at once. */
function olderWorker(ahead: number): MailboxActivities {
  const now = async (): Promise<number> => (await environment.currentTimeMs()) + ahead;
  return {
    openMailbox: async () => ({ ...COUNTS, historyId: MARK, generation: 1, step: 'fetching', settingsChanged: false }),
    fullSync: async ({ generation }) => ({ ...COUNTS, generation, historyId: MARK }),
    recover: async ({ generation }) => ({ ...COUNTS, generation, historyId: MARK }),
    fetchSlice: async () => {
      const at = await now();
      slices.push(at - ahead);
      return { ...COUNTS, generation: 1, fetched: 5, complete: false, nextAttemptAt: at };
    },
    audit: async () => ({ drift: 0 }),
    stopWatch: async () => undefined,
    partialSync: async () => ({ ...COUNTS, historyId: MARK, changed: true, more: false, nextAttemptAt: null, failedAttemptAt: null, settleAt: (await now()) + 31_000 }),
  };
}

test('a backfill goes on within minutes under a worker of an earlier version whose clock is hours ahead', async () => {
  const shared = { connection: environment.nativeConnection, activities: { ...olderWorker(10 * HOUR) } };
  const live = await Worker.create({ ...shared, taskQueue: QUEUE, workflowBundle: await workflowBundle() });
  const backfill = await Worker.create({ ...shared, taskQueue: backfillQueueOf(QUEUE) });
  await live.runUntil(
    backfill.runUntil(async () => {
      const mailbox = mailboxId('older@example.com');
      const input: MailboxInput = { mailbox, settings: { ...DEFAULT_SETTINGS, pollInterval: HOUR }, carried: null };
      const handle = await environment.client.workflow.start(MAILBOX_WORKFLOW, { workflowId: workflowIdOf(mailbox), taskQueue: QUEUE, args: [input] });
      await environment.sleep('20 minutes');
      const [first = 0] = slices;
      expect(slices.filter((at) => at < first + 11 * 60_000).length).toBeGreaterThanOrEqual(5);
      const history = await handle.fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, handle.workflowId);
      await handle.terminate();
    }),
  );
}, 60_000);
