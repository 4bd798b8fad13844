import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import type { LookResult, MailboxActivities, PartialSyncRequest } from '../activities/requests.ts';
import { remedyOfFailure } from '../model/remedy-of-failure.ts';
import { backfillQueueOf, deliveryQueueOf, smallSliceQueueOf, webhookQueueOf } from './definitions.ts';
import type { DeliveryLane } from './delivery-lane.ts';
import { failureEvent, notTakenText, type FailedWork } from './failure-event.ts';
import { quietSync } from './look.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import { answerTo, auditWanted, pokeServed, questionOf, retryWanted, smallWanted, storeOf } from './lane-requests.ts';
import type { MailboxState } from './mailbox-state.ts';
import type { BackfillWork } from './plan.ts';

/**
 * Activities are retried until they succeed. Only a failure that waiting does not cure is non-retryable: it blocks the
 * mailbox. A missing heartbeat shows that the worker has died. The workflow waits until a cancelled activity has ended,
 * so that attempts do not overlap.
 */
const OPTIONS = {
  heartbeatTimeout: '15 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
} as const satisfies ActivityOptions;

/**
 * Live work takes precedence over backfill work. Mailboxes share fairness keys in buckets, so that no mailbox starves
 * the others.
 */
const LIVE = { ...OPTIONS, startToCloseTimeout: '30 minutes' } as const satisfies ActivityOptions;
const BACKFILL = { ...OPTIONS, startToCloseTimeout: '6 hours' } as const satisfies ActivityOptions;

/** The server caches some 2,000 fairness keys, so mailboxes are hashed into buckets instead of having a key each. */
const FAIRNESS_BUCKETS = 1_000;

/** A look that takes longer gives way to a partial sync: while it runs, the workflow takes no signal. */
const LOOK = {
  startToCloseTimeout: '3 seconds',
  scheduleToCloseTimeout: '3 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { maximumAttempts: 1 },
} as const satisfies LocalActivityOptions;

/** Runs a partial sync, or a look before it, and returns the event in which it ends. Throws only cancellation. */
export function runLive(state: MailboxState, { looks }: { readonly looks?: true }): Promise<MailboxEvent> {
  return looks === true ? lookFirst(state) : syncPartially(state);
}

async function lookFirst(state: MailboxState): Promise<MailboxEvent> {
  const { mailbox, historyId } = state;
  const { lookForChanges } = proxyLocalActivities<Pick<MailboxActivities, 'lookForChanges'>>(LOOK);
  let seen: LookResult = { kind: 'more' };
  try {
    seen = await lookForChanges({ mailbox, historyId, ...storeOf(state) });
  } catch (error) {
    // A worker that shuts down cancels its looks, although nobody has cancelled the mailbox's work.
    if (!(error instanceof ActivityFailure) || CancellationScope.current().consideredCancelled) throw error;
    // A refusal stays one, so the sync need not ask again. Other failures are the sync's to meet and to retry.
    if (isRefusal(error)) return eventOf(error, { lane: 'live', asked: false });
  }
  return seen.kind === 'quiet' ? quietSync(state, seen) : await syncPartially(state, seen);
}

function syncPartially(
  state: MailboxState,
  { failedBefore }: Pick<PartialSyncRequest, 'failedBefore'> = {},
): Promise<MailboxEvent> {
  const { partialSync } = proxyActivities<Pick<MailboxActivities, 'partialSync'>>({
    ...LIVE,
    priority: { priorityKey: 1, fairnessKey: fairnessKeyOf(state.mailbox) },
    summary: state.historyId === null ? 'partial sync' : `partial sync from ${state.historyId}`,
  });
  return asEvent(
    partialSync({
      mailbox: state.mailbox,
      historyId: state.historyId,
      ...pokeServed(state),
      ...questionOf(state),
      ...(failedBefore === undefined ? {} : { failedBefore }),
    }).then((result) => ({ kind: 'partial-synced', ...result, ...answerTo(state) })),
    { lane: 'live', asked: state.blocked !== null },
  );
}

/** Runs one piece of the backfill lane and returns the event in which it ends. Throws only cancellation. */
export function runBackfill(state: MailboxState, work: BackfillWork): Promise<MailboxEvent> {
  const { mailbox, settings, named, generation } = state;
  const activities = proxyActivities<MailboxActivities>({
    ...BACKFILL,
    // The server limits the rate of these queues, so only slices go there. A listing (5 units per 500 ids) or a new
    // mailbox must not wait behind them.
    ...(work.activity === 'fetchSlice' ? { taskQueue: sliceQueueOf(state) } : {}),
    priority: { priorityKey: work.activity === 'fetchSlice' ? 4 : 3, fairnessKey: fairnessKeyOf(mailbox) },
    summary: summaryOf(state, work),
  });
  return asEvent(runWork(), { lane: 'backfill', asked: state.blocked !== null });

  async function runWork(): Promise<MailboxEvent> {
    const question = questionOf(state);
    const answer = answerTo(state);
    switch (work.activity) {
      case 'openMailbox':
        return {
          kind: 'opened',
          ...(await activities.openMailbox({
            mailbox,
            settings,
            ...(named === null ? {} : { named }),
            chain: workflowInfo().firstExecutionRunId,
            ...storeOf(state),
          })),
        };
      case 'fullSync':
        return {
          kind: 'listed',
          ...(await activities.fullSync({ mailbox, settings, generation, ...question })),
          ...answer,
        };
      case 'recover':
        return {
          kind: 'listed',
          ...(await activities.recover({ mailbox, settings, generation, ...question })),
          ...answer,
        };
      case 'audit':
        return {
          kind: 'audited',
          ...(await activities.audit({ mailbox, ...auditWanted(state), ...question })),
          ...answer,
        };
      case 'fetchSlice':
        return {
          kind: 'slice-fetched',
          ...(await activities.fetchSlice({ mailbox, ...retryWanted(state), ...smallWanted(state), ...question })),
          ...answer,
        };
    }
  }
}

function sliceQueueOf(state: MailboxState): string {
  const { taskQueue } = workflowInfo();
  return smallWanted(state).isSmall === true ? smallSliceQueueOf(taskQueue) : backfillQueueOf(taskQueue);
}

/**
 * How long a delivery waits for a worker. The program with the handlers may be away for weeks. The history can be cut
 * only while no lane works, so an activity that waits ends after an hour, and another one begins. A delivery beside a
 * sync must not wait long.
 */
const TAKEN_WITHIN = { afterwards: '1 hour', besideSync: '10 seconds' } as const;

/** Delivers to handlers or to webhooks, and returns the event in which that ends. Throws only cancellation. */
export function runDelivery(
  state: MailboxState,
  { lane, awaits }: { readonly lane: DeliveryLane; readonly awaits: boolean },
): Promise<MailboxEvent> {
  const { mailbox } = state;
  const { taskQueue } = workflowInfo();
  const { deliver } = proxyActivities<Pick<MailboxActivities, 'deliver'>>({
    ...OPTIONS,
    startToCloseTimeout: '1 hour',
    scheduleToStartTimeout: awaits ? TAKEN_WITHIN.besideSync : TAKEN_WITHIN.afterwards,
    // Slow targets take slots of their own queue only, so syncs keep all of theirs.
    taskQueue: lane === 'webhook' ? webhookQueueOf(taskQueue) : deliveryQueueOf(taskQueue),
    priority: { priorityKey: 2, fairnessKey: fairnessKeyOf(mailbox) },
    summary:
      (lane === 'webhook' ? 'send changes to webhooks' : 'deliver changes to handlers') +
      (awaits ? ', as the sync brings them' : ''),
  });
  return asEvent(
    deliver({
      mailbox,
      ...(lane === 'webhook' ? { to: 'webhook' } : {}),
      ...(awaits ? { awaits } : {}),
      ...storeOf(state),
    }).then((result) => ({ kind: 'delivered', lane, ...(awaits ? { awaited: true } : {}), ...result })),
    { lane, asked: false, awaits },
  );
}

/**
 * Keeps subscribers' events in the store, and returns the workflow's event in which that ends. Throws only
 * cancellation.
 */
export function runNoting(state: MailboxState): Promise<MailboxEvent> {
  const { pending } = state.events;
  const { noteEvents } = proxyActivities<Noting>({ ...notingOptions(state), ...OPTIONS });
  return asEvent(
    noteEvents(pendingEvents(state)).then((result) => ({
      kind: 'events-noted',
      ids: pending.map(({ id }) => id),
      ...result,
    })),
    { lane: 'events', asked: false },
  );
}

/**
 * Keeps the events that the store still lacks when a mailbox ends: an attempt to keep them was cancelled, or the next
 * attempt was not due. The store knows each event by its id, so none is kept twice.
 */
export function keepLastEvents(state: MailboxState): Promise<void> {
  const { noteEvents } = proxyActivities<Noting>({ ...notingOptions(state), ...AT_THE_END });
  return tried(noteEvents(pendingEvents(state)));
}

type Noting = Pick<MailboxActivities, 'noteEvents'>;

const pendingEvents = (state: MailboxState): Parameters<Noting['noteEvents']>[0] => ({
  mailbox: state.mailbox,
  events: state.events.pending,
  ...storeOf(state),
});

const notingOptions = ({ mailbox, events }: MailboxState) =>
  ({
    startToCloseTimeout: '1 minute',
    priority: { priorityKey: 2, fairnessKey: fairnessKeyOf(mailbox) },
    summary: `keep for subscriptions: ${events.pending.map(({ details }) => details.kind).join(', ')}`,
  }) as const satisfies ActivityOptions;

/** What a mailbox does before it ends must not keep it from ending. */
const AT_THE_END = {
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 3 },
} as const satisfies ActivityOptions;

/** Waits for work that may fail. Throws only cancellation. */
async function tried(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}

/**
 * Stops Gmail's watch. A few attempts are enough: a watch ends by itself within a week, and a poke to a workflow that
 * has ended does nothing.
 */
export function endWatch({ mailbox }: MailboxState): Promise<void> {
  const { stopWatch } = proxyActivities<Pick<MailboxActivities, 'stopWatch'>>({
    ...AT_THE_END,
    priority: { priorityKey: 1, fairnessKey: fairnessKeyOf(mailbox) },
    summary: "end Gmail's watch",
  });
  return tried(stopWatch({ mailbox }));
}

function summaryOf(state: MailboxState, work: BackfillWork): string {
  switch (work.activity) {
    case 'openMailbox':
      return 'ask the store how far it is';
    case 'fullSync':
      return `list all ids, generation ${state.generation} (${work.reason})`;
    case 'recover':
      return `history expired: list and compare, generation ${state.generation}`;
    case 'audit':
      return 'compare with Gmail';
    case 'fetchSlice':
      return state.pending === 0 ? 'fetch messages that are due' : `fetch pending messages (${state.pending})`;
  }
}

const isRefusal = ({ cause }: ActivityFailure): boolean =>
  cause instanceof ApplicationFailure && cause.nonRetryable === true;

async function asEvent(result: Promise<MailboxEvent>, work: FailedWork): Promise<MailboxEvent> {
  try {
    return await result;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return eventOf(error, work);
  }
}

function eventOf(error: unknown, work: FailedWork): MailboxEvent {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START') return notTaken(work);
  const message = cause instanceof Error ? cause.message : 'unknown failure';
  return cause instanceof ApplicationFailure
    ? failureEvent(cause.type ?? 'unknown', message, work, remedyOfFailure(cause.details))
    : failureEvent('unknown', message, work);
}

function notTaken(work: FailedWork): MailboxEvent {
  if ('awaits' in work && work.awaits === true) return { kind: 'delivery-not-taken', lane: work.lane };
  return failureEvent('unknown', notTakenText(work.lane), work);
}

function fairnessKeyOf(mailbox: string): string {
  let hash = 0;
  for (const character of mailbox) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return `mailboxes-${hash % FAIRNESS_BUCKETS}`;
}
