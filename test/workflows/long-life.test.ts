import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import type { SyncActivities } from '../../src/activities/requests.ts';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import {
  smallSliceQueueOf,
  MAILBOX_WORKFLOW,
  poke,
  status,
  workflowIdOf,
  type MailboxInput,
} from '../../src/workflows/definitions.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { openTimeSkipping } from '../fixtures/temporal/time-skipping.ts';
import { NOTHING_SYNCED } from '../fixtures/temporal/quiet-results.ts';
import { UNHEARD_SINKS } from '../fixtures/temporal/unheard-sinks.ts';

const HOUR = 3_600_000;
const DAYS = 21;
const QUEUE = 'long-life';
/** A little more than what one round of both lanes adds after the limit is passed. */
const LONGEST_RUN = 450;

let environment: TestWorkflowEnvironment;

beforeAll(async () => {
  environment = await openTimeSkipping(inject('temporalTestServerBinary'));
});
afterAll(() => environment.teardown());

/** A Gmail and a store in which nothing is left to do, and the time at which each partial sync began. */
function quietActivities(): { activities: SyncActivities; began: number[]; mostAtOnce: () => number } {
  const began: number[] = [];
  let running = 0;
  let most = 0;
  const counts = { stored: 10, pending: 0, failed: 0 };
  const mark = historyId('9007199254740993');
  const activities: SyncActivities = {
    openMailbox: async () => ({ ...counts, historyId: null, generation: 0, step: 'none', settingsChanged: false }),
    fullSync: async ({ generation }) => ({ ...counts, generation, historyId: mark }),
    recover: async ({ generation }) => ({ ...counts, generation, historyId: mark }),
    fetchSlice: async () => ({ ...counts, generation: 1, fetched: 0, complete: true, nextAttemptAt: null }),
    lookForChanges: async () => ({ kind: 'more' }),
    audit: async () => ({ drift: 0 }),
    noteEvents: async () => ({}),
    stopWatch: async () => undefined,
    partialSync: async () => {
      began.push(Context.current().info.currentAttemptScheduledTimestampMs);
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return {
        ...counts,
        historyId: mark,
        ...NOTHING_SYNCED,
      };
    },
  };
  return { activities, began, mostAtOnce: () => most };
}

test('a mailbox syncs hourly for weeks, without drift or overlap, in short runs, and a poke wakes it', async () => {
  const { activities, began, mostAtOnce } = quietActivities();
  const shared = { connection: environment.nativeConnection, activities: { ...activities }, sinks: UNHEARD_SINKS };
  const live = await Worker.create({ ...shared, taskQueue: QUEUE, workflowBundle: await workflowBundle() });
  const backfill = await Worker.create({ ...shared, taskQueue: smallSliceQueueOf(QUEUE) });
  await live.runUntil(
    backfill.runUntil(async () => {
      const mailbox = mailboxId('ada@example.com');
      const input: MailboxInput = { mailbox, settings: { ...DEFAULT_SETTINGS, pollInterval: HOUR }, carried: null };
      const { workflow } = environment.client;
      await workflow.start(MAILBOX_WORKFLOW, { workflowId: workflowIdOf(mailbox), taskQueue: QUEUE, args: [input] });
      const handle = workflow.getHandle(workflowIdOf(mailbox));
      await environment.sleep(DAYS * 24 * HOUR);

      expect((await handle.query(status)).partialSyncs).toBe(began.length);
      expect(began.length).toBeGreaterThanOrEqual(DAYS * 24);
      expect(began.length).toBeLessThanOrEqual(DAYS * 24 + 3);
      // The first ones follow the full sync; from then on one an hour, to the second.
      const pauses = began.slice(3).map((at, index) => at - (began[index + 2] ?? 0));
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(HOUR - 1_000);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(HOUR + 1_000);
      expect(mostAtOnce()).toBe(1);
      expect((await handle.describe()).raw.pendingActivities?.length ?? 0).toBe(0);

      // It wakes as fast as on its first day.
      const before = began.length;
      await handle.signal(poke);
      await eventually(15_000, async () => (began.length > before ? true : null));

      const lengths: number[] = [];
      let runId: string | null | undefined = (await handle.describe()).runId;
      while (runId !== null && runId !== undefined && runId !== '') {
        const { events } = await workflow.getHandle(handle.workflowId, runId).fetchHistory();
        lengths.unshift(events?.length ?? 0);
        runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
      }
      expect(Math.max(...lengths)).toBeLessThanOrEqual(LONGEST_RUN);
      expect(lengths.length).toBeGreaterThan(10);
      await handle.terminate();
    }),
  );
}, 60_000);
