import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import type { NoteEventsRequest, PartialSyncRequest, SyncActivities } from '../../src/activities/requests.ts';
import { historyId, mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import {
  smallSliceQueueOf,
  MAILBOX_WORKFLOW,
  poke,
  reconnect,
  resume,
  retryFailures,
  status,
  stop,
  workflowIdOf,
  type MailboxInput,
} from '../../src/workflows/definitions.ts';
import { initialState, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { openTimeSkipping } from '../fixtures/temporal/time-skipping.ts';
import { NOTHING_SYNCED } from '../fixtures/temporal/quiet-results.ts';
import { UNHEARD_SINKS } from '../fixtures/temporal/unheard-sinks.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const QUEUE = 'asking-again';
/** Real milliseconds for what takes less than one on an idle machine. */
const PATIENCE = 15_000;
const MARK = historyId('9007199254740993');
const COUNTS = { stored: 10, pending: 0, failed: 0 };

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await openTimeSkipping(inject('temporalTestServerBinary'));
});
afterAll(() => environment.teardown());

/** A Gmail that refuses its mailbox while `type` names a failure, and a store in which nothing is left to do. */
class RefusingGmail {
  type: 'MailboxUnavailable' | 'ConsentRevoked' | null = null;
  readonly asked: PartialSyncRequest[] = [];
  /** Slices that began. Each ends with `sliceEnds`, and fails if Gmail refused when it began. */
  slices = 0;
  sliceEnds: Promise<void> = Promise.resolve();
  /** Requests to store events, one for each attempt. The first `notesFail` of them fail. */
  readonly noted: NoteEventsRequest[] = [];
  notesFail = 0;
  readonly activities: SyncActivities = {
    openMailbox: async () => ({ ...COUNTS, historyId: MARK, generation: 1, step: 'done', settingsChanged: false }),
    fullSync: async ({ generation }) => ({ ...COUNTS, generation, historyId: MARK }),
    recover: async ({ generation }) => ({ ...COUNTS, generation, historyId: MARK }),
    fetchSlice: async ({ retry }) => {
      const { type } = this;
      this.slices += 1;
      await this.sliceEnds;
      if (type !== null) throw ApplicationFailure.nonRetryable('Gmail refused', type);
      return {
        ...COUNTS,
        generation: 1,
        fetched: 0,
        complete: true,
        nextAttemptAt: null,
        ...(retry === undefined ? {} : { retried: retry }),
      };
    },
    lookForChanges: async () => ({ kind: 'more' }),
    audit: async () => ({ drift: 0 }),
    noteEvents: async (request) => {
      this.noted.push(request);
      if (this.noted.length <= this.notesFail) throw ApplicationFailure.create({ nextRetryDelay: '1 hour' });
      return {};
    },
    stopWatch: async () => undefined,
    partialSync: async (request) => {
      this.asked.push(request);
      if (this.type !== null) throw ApplicationFailure.nonRetryable('Gmail refuses', this.type);
      return {
        ...COUNTS,
        historyId: MARK,
        ...NOTHING_SYNCED,
      };
    },
  };
}

async function withMailbox(
  name: string,
  carried: MailboxState | null,
  run: (
    gmail: RefusingGmail,
    handle: ReturnType<TestWorkflowEnvironment['client']['workflow']['getHandle']>,
  ) => Promise<void>,
): Promise<void> {
  const gmail = new RefusingGmail();
  const shared = {
    connection: environment.nativeConnection,
    activities: { ...gmail.activities },
    sinks: UNHEARD_SINKS,
  };
  const live = await Worker.create({ ...shared, taskQueue: QUEUE, workflowBundle: await workflowBundle() });
  const backfill = await Worker.create({ ...shared, taskQueue: smallSliceQueueOf(QUEUE) });
  await live.runUntil(
    backfill.runUntil(async () => {
      const mailbox = mailboxOf(name);
      const input: MailboxInput = { mailbox, settings: { ...DEFAULT_SETTINGS, pollInterval: 5 * HOUR }, carried };
      const handle = await environment.client.workflow.start(MAILBOX_WORKFLOW, {
        workflowId: workflowIdOf(mailbox),
        taskQueue: QUEUE,
        args: [input],
      });
      await run(gmail, environment.client.workflow.getHandle(handle.workflowId));
      const history = await environment.client.workflow.getHandle(handle.workflowId).fetchHistory();
      await Worker.runReplayHistory(
        { workflowBundle: await workflowBundle(), sinks: UNHEARD_SINKS },
        history,
        handle.workflowId,
      );
      await handle.terminate().catch(() => undefined);
    }),
  );
}

const mailboxOf = (name: string): MailboxId => mailboxId(`${name}@example.com`);

test('a refused mailbox asks by itself, ever more rarely despite pokes, and goes on once it is answered', async () => {
  await withMailbox('refused', null, async (gmail, handle) => {
    await environment.sleep('1 minute');
    gmail.type = 'MailboxUnavailable';
    await handle.signal(poke);
    await environment.sleep('10 seconds');
    expect(await handle.query(status)).toMatchObject({ phase: 'failed', blocked: { asks: 0 } });
    const before = gmail.asked.length;
    for (let minute = 0; minute < 5; minute++) {
      await handle.signal(poke);
      await environment.sleep('1 minute');
    }
    expect(gmail.asked.length - before, 'after a minute').toBe(1);
    await environment.sleep(4 * HOUR);
    expect(gmail.asked.slice(before).map(({ ask }) => ask)).toEqual([true, true, true, true]);
    gmail.type = null;
    await environment.sleep(HOUR);
    expect(await handle.query(status)).toMatchObject({ phase: 'live', blocked: null });
    await handle.signal(poke);
    await environment.sleep('1 minute');
    expect(gmail.asked.at(-1)?.ask).toBeUndefined();
  });
}, 60_000);

test('a mailbox whose grant has ended asks twice in two days, and at once when a person resumes it', async () => {
  await withMailbox('revoked', null, async (gmail, handle) => {
    await environment.sleep('1 minute');
    gmail.type = 'ConsentRevoked';
    await handle.signal(poke);
    await environment.sleep('10 seconds');
    const before = gmail.asked.length;
    await environment.sleep(2 * DAY);
    expect(gmail.asked.length - before).toBe(2);
    expect(await handle.query(status)).toMatchObject({ phase: 'needs-consent', blocked: { asks: 2 } });
    gmail.type = null;
    await handle.signal(resume);
    await environment.sleep('10 seconds');
    expect(await handle.query(status)).toMatchObject({ phase: 'live', blocked: null });
  });
}, 60_000);

test('a blocked mailbox that an earlier version carried over without a retry time asks at once', async () => {
  const fresh = initialState({ mailbox: mailboxOf('carried'), settings: DEFAULT_SETTINGS, now: 0 });
  const blocked = JSON.parse('{"kind":"failed","message":"Gmail refuses"}') as NonNullable<MailboxState['blocked']>;
  await withMailbox(
    'carried',
    { ...fresh, historyId: MARK, generation: 1, completedGeneration: 1, fullSync: { kind: 'done' }, blocked },
    async (gmail, handle) => {
      await environment.sleep('10 seconds');
      expect(gmail.asked[0]).toMatchObject({ ask: true });
      expect(await handle.query(status)).toMatchObject({ phase: 'live', blocked: null });
    },
  );
}, 60_000);

test('a late refusal of work that began before a reconnect blocks nothing, and the work is repeated', async () => {
  await withMailbox('refused-late', null, async (gmail, handle) => {
    await environment.sleep('1 minute');
    gmail.type = 'ConsentRevoked';
    const slice = Promise.withResolvers<void>();
    gmail.sliceEnds = slice.promise;
    const before = gmail.slices;
    await handle.signal(retryFailures);
    await eventually(PATIENCE, async () => (gmail.slices === before + 1 ? true : null));
    await handle.signal(poke);
    await eventually(PATIENCE, async () => ((await handle.query(status)).phase === 'needs-consent' ? true : null));
    gmail.type = null;
    await handle.signal(reconnect);
    await eventually(PATIENCE, async () => ((await handle.query(status)).phase === 'live' ? true : null));
    slice.resolve();
    await eventually(PATIENCE, async () => (gmail.slices === before + 2 ? true : null));
    expect(await handle.query(status)).toMatchObject({ phase: 'live', blocked: null });
  });
}, 60_000);

test.each(['stopped', 'cancelled'])(
  'a mailbox that is %s first stores the events that the store does not hold',
  async (how) => {
    await withMailbox(how, null, async (gmail, handle) => {
      await environment.sleep('1 minute');
      gmail.type = 'ConsentRevoked';
      gmail.notesFail = gmail.noted.length + 1;
      await handle.signal(poke);
      await environment.sleep('1 minute');
      expect(await handle.query(status)).toMatchObject({ phase: 'needs-consent' });
      expect(gmail.noted).toHaveLength(gmail.notesFail);
      await (how === 'stopped' ? handle.signal(stop) : handle.cancel());
      await handle.result().catch(() => undefined);
      expect(gmail.noted.slice(gmail.notesFail).map(({ events }) => events)).toEqual([gmail.noted.at(-2)?.events]);
    });
  },
  60_000,
);
