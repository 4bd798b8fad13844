import { Context } from '@temporalio/activity';
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleOption } from '@temporalio/worker';

import { databaseAt } from '../../src/model/database-location.ts';
import { createActivities } from '../../src/activities/create-activities.ts';
import type { MailboxActivities } from '../../src/activities/requests.ts';
import { createSessionFactory } from '../../src/activities/sessions.ts';
import type { Clock } from '../../src/model/clock.ts';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { generateMail } from '../../src/simulator/generate.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { openStores } from '../../src/store/open-store.ts';
import { open, seal, secretKey } from '../../src/secrets/secret-box.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import {
  backfillQueueOf,
  MAILBOX_WORKFLOW,
  poke,
  workflowIdOf,
  type MailboxInput,
} from '../../src/workflows/definitions.ts';

type Event = proto.temporal.api.history.v1.IHistoryEvent;

const DAY = 24 * 3_600_000;
const KEY = secretKey(new Uint8Array(32).fill(7), 'a test');
const QUEUE = 'idle-mailbox';
const TOPIC = 'projects/p/topics/mail';
/** What an audit waits for Gmail's indexes passes at once; heartbeats and deadlines take their real time. */
const INDEX_LAG = 10_000;

/** Time as Temporal's server has it: activities run under the time at which they were scheduled. */
class ServerClock implements Clock {
  #base = 0;
  #since = performance.now();

  set(now: number): void {
    this.#base = Math.max(now, this.now());
    this.#since = performance.now();
  }

  now(): number {
    return Math.floor(this.#base + performance.now() - this.#since);
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds !== INDEX_LAG) return systemClock.sleep(milliseconds, signal);
    this.#base += milliseconds;
  }

  random(): number {
    return 0.5;
  }
}

export interface IdleDays {
  /** Actions of each day, the first after the mailbox came to rest. */
  readonly actions: readonly number[];
  /** The same, by what they were, over all days. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly watchCalls: number;
}

/**
 * A mailbox in which nothing happens, with push, under the default settings: the real workflow and activities on a
 * Temporal server on which time is skipped. Counts what Temporal Cloud calls Actions.
 *
 * @param options.announcesWatches - whether Gmail makes a notification of each renewal
 * @see https://docs.temporal.io/cloud/actions
 */
export async function runIdleMailbox({
  environment,
  bundle,
  days,
  announcesWatches,
}: {
  environment: TestWorkflowEnvironment;
  bundle: WorkflowBundleOption;
  days: number;
  announcesWatches: boolean;
}): Promise<IdleDays> {
  const clock = new ServerClock();
  clock.set(await environment.currentTimeMs());
  const simulator = new Simulator({ clock });
  simulator.delivery.announcesWatches = announcesWatches;
  const mailbox = mailboxId('idle@example.com');
  generateMail(simulator.addMailbox(mailbox), { messages: 20, now: clock.now() });
  const stores = await openStores(databaseAt('sqlite::memory:'));
  await stores.credentials.put(mailbox, {
    ...seal(KEY, mailbox, JSON.stringify(simulator.credentialsFor(mailbox))),
    version: 1,
  });
  const prices = PRICE_TABLES['2026'];
  const openSession = createSessionFactory({
    ...stores,
    secretKeys: { open: async (id, record) => open(KEY, id, record) },
    transport: simulator.transport,
    rootUrl: simulator.rootUrl,
    tokenUrl: `${simulator.rootUrl}/token`,
    prices,
    clock,
  });
  // Told before the sync ends: the server may skip a day as soon as nothing runs.
  const told: Promise<void>[] = [];
  const activities = underServerTime(
    createActivities({ store: stores.store, openSession, prices, clock, pushTopic: TOPIC }),
    clock,
    told,
  );
  const { workflow } = environment.client;
  const handle = workflow.getHandle(workflowIdOf(mailbox));
  simulator.onNotification(
    ({ historyId: head }) => void told.push(handle.signal(poke, { historyId: historyId(head) })),
  );

  const shared = { connection: environment.nativeConnection, activities: { ...activities } };
  const live = await Worker.create({ ...shared, taskQueue: QUEUE, workflowBundle: bundle });
  const backfill = await Worker.create({ ...shared, taskQueue: backfillQueueOf(QUEUE) });
  const events: Event[] = [];
  let restedAt = 0;
  await live.runUntil(
    backfill.runUntil(async () => {
      const input: MailboxInput = { mailbox, settings: DEFAULT_SETTINGS, carried: null };
      await workflow.start(MAILBOX_WORKFLOW, { workflowId: handle.workflowId, taskQueue: QUEUE, args: [input] });
      // The first day its polls become rare; half an hour more keeps renewals off the edges of the days that are
      // counted.
      await environment.sleep(1.5 * DAY + 1_800_000);
      restedAt = await environment.currentTimeMs();
      await environment.sleep(days * DAY);
      let runId: string | null | undefined = (await handle.describe()).runId;
      while (runId !== null && runId !== undefined && runId !== '') {
        const history = await workflow.getHandle(handle.workflowId, runId).fetchHistory();
        events.unshift(...(history.events ?? []));
        runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
      }
      await handle.terminate();
    }),
  );
  await stores.store.close();
  await stores.credentials.close();
  return { ...counted(events, restedAt, days), watchCalls: simulator.usage.of(mailbox).methods['watch']?.calls ?? 0 };
}

function underServerTime(
  activities: MailboxActivities,
  clock: ServerClock,
  told: readonly Promise<void>[],
): MailboxActivities {
  const timed =
    <Request, Result>(activity: (request: Request) => Promise<Result>) =>
    async (request: Request): Promise<Result> => {
      clock.set(Context.current().info.currentAttemptScheduledTimestampMs);
      const result = await activity(request);
      await Promise.all(told);
      return result;
    };
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [name, timed(activity)]),
  ) as unknown as MailboxActivities;
}

const { EventType } = proto.temporal.api.enums.v1;
/** Every event of these is an Action; a run that continues as new is one, too. */
const ACTIONS: ReadonlyMap<number, string> = new Map([
  [EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, 'workflow'],
  [EventType.EVENT_TYPE_TIMER_STARTED, 'timer'],
  [EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, 'activity'],
  [EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, 'signal'],
  [EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, 'update'],
  [EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, 'search attributes'],
]);

function counted(events: readonly Event[], from: number, days: number): Pick<IdleDays, 'actions' | 'kinds'> {
  const actions = Array.from({ length: days }, () => 0);
  const kinds: Record<string, number> = {};
  for (const { eventType, eventTime } of events) {
    const kind = ACTIONS.get(Number(eventType));
    const at = Number(eventTime?.seconds ?? 0) * 1_000 + (eventTime?.nanos ?? 0) / 1e6;
    const day = Math.floor((at - from) / DAY);
    if (kind === undefined || day < 0 || day >= days) continue;
    actions[day] = (actions[day] ?? 0) + 1;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return { actions, kinds };
}
