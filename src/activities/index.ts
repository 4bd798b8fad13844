import { Context } from '@temporalio/activity';
import type { Clock } from '../model/clock.ts';
import type { FailureType } from '../model/failure-type.ts';
import type { MailboxId } from '../model/ids.ts';
import { RATE_LIMITED_SIGNAL } from '../model/signal-name.ts';
import { audit } from './audit.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { outcomeOf, toApplicationFailure, type Outcome } from './failures.ts';
import { fetchSlice } from './fetch-slice.ts';
import { fullSync, recover } from './full-sync.ts';
import { openMailbox } from './open-mailbox.ts';
import { partialSync } from './partial-sync.ts';
import type { MailboxActivities, OfWorker } from './requests.ts';
import { stopWatch } from './watch.ts';

/** What comes about seldom enough to be told without being asked for. Slices and partial syncs of many mailboxes would fill any log. */
const RARE = new Set(['fullSync', 'recover', 'audit']);

/** Well under the heartbeat time-out of 15 s: a worker that lives is never taken for dead. */
const HEARTBEAT_INTERVAL = 2_000;

/** The activities as a worker registers them: plain functions over `deps`, bracketed by what Temporal needs of them. */
export function createActivities(deps: ActivityDependencies): MailboxActivities {
  const bracket =
    <Request extends { readonly mailbox: MailboxId }, Result>(activity: (deps: ActivityDependencies, request: Request, run: ActivityRun) => Promise<Result>) =>
    (request: Request): Promise<Result> =>
      runActivity(deps, request, (run) => activity(deps, request, run));
  /** Those whose result the workflow keeps. */
  const telling = <Request extends { readonly mailbox: MailboxId }, Result extends OfWorker>(activity: (deps: ActivityDependencies, request: Request, run: ActivityRun) => Promise<Result>) =>
    bracket(async (given: ActivityDependencies, request: Request, run: ActivityRun): Promise<Result> => ({ ...(await activity(given, request, run)), ...skewOf(given) }));
  return {
    openMailbox: telling(openMailbox),
    fullSync: telling(fullSync),
    recover: telling(recover),
    fetchSlice: telling(fetchSlice),
    partialSync: telling(partialSync),
    audit: telling(audit),
    stopWatch: bracket(stopWatch),
  };
}

/** A skew below this is no news. */
const LEAST_SKEW = 1_000;

function skewOf({ skew }: ActivityDependencies): OfWorker {
  const ahead = skew?.ahead('temporal') ?? 0;
  return Math.abs(ahead) < LEAST_SKEW ? {} : { clockSkew: Math.round(ahead) };
}

async function runActivity<Result>(deps: ActivityDependencies, request: { readonly mailbox: MailboxId }, activity: (run: ActivityRun) => Promise<Result>): Promise<Result> {
  const context = Context.current();
  let details: Readonly<Record<string, number | string | null>> = {};
  const finished = new AbortController();
  const { activityType } = context.info;
  const startedAt = deps.clock.now();
  const ended = (outcome: 'completed' | 'failed' | 'cancelled'): void =>
    deps.telemetry?.observe('tidemark_activity_duration_seconds', (deps.clock.now() - startedAt) / 1_000, { activity: activityType, outcome });
  const heartbeats = beat(deps.clock, finished.signal, () => context.heartbeat(details));
  try {
    const result = await activity({
      signal: context.cancellationSignal,
      // Told with the next heartbeat: work of less than two seconds needs none, and each is an Action of Temporal Cloud.
      progress: (progress) => {
        details = { ...details, ...progress };
      },
    });
    await clearCondition(deps, request.mailbox);
    ended('completed');
    context.log[RARE.has(activityType) ? 'info' : 'debug'](`${activityType} completed`, { seconds: (deps.clock.now() - startedAt) / 1_000, result });
    return result;
  } catch (error) {
    if (context.cancellationSignal.aborted) {
      ended('cancelled');
      throw context.cancellationSignal.reason;
    }
    const now = deps.clock.now();
    const outcome = outcomeOf(error, request.mailbox, now) ?? unexpected(error, activityType);
    ended('failed');
    deps.telemetry?.add('tidemark_activity_failures_total', 1, { activity: activityType, type: outcome.type });
    await noteFailure(deps, request.mailbox, outcome, now);
    throw toApplicationFailure(outcome, now);
  } finally {
    finished.abort();
    await heartbeats;
  }
}

/** A long call must not be taken for a dead worker: heartbeats go on beside it. */
async function beat(clock: Clock, finished: AbortSignal, heartbeat: () => void): Promise<void> {
  while (!finished.aborted) {
    await clock.sleep(HEARTBEAT_INTERVAL, finished).then(heartbeat, () => undefined);
  }
}

/** A defect. Its text may quote mail (JSON.parse does), so only its name and its place leave the process. */
function unexpected(error: unknown, activity: string): Outcome {
  const name = error instanceof Error ? error.name : typeof error;
  const place = error instanceof Error ? (/\((?:file:\/\/)?.*\/((?:src|dist)\/[^)]+)\)/.exec(error.stack ?? '')?.[1] ?? 'an unknown place') : 'an unknown place';
  return { type: 'Unexpected', next: { kind: 'retry' }, message: `unexpected ${name} in ${activity} at ${place}: this is a defect, please report it; it is tried again` };
}

async function clearCondition({ store }: ActivityDependencies, mailbox: MailboxId): Promise<void> {
  const row = await store.getMailbox(mailbox);
  if (row !== null && row.condition !== null) await store.noteCondition({ mailbox, condition: null });
}

/**
 * `status` reads the condition from the store: attempts that wait leave no trace in the workflow's history, however long they wait.
 * Only the first of an episode tells the workflow, so that its phase can be filtered by.
 */
async function noteFailure({ store }: ActivityDependencies, mailbox: MailboxId, outcome: Outcome, now: number): Promise<void> {
  try {
    const before = (await store.getMailbox(mailbox))?.condition ?? null;
    const kind = CONDITIONS[outcome.type];
    const until = outcome.next.kind === 'wait' ? outcome.next.until : null;
    const { message } = outcome;
    await store.noteCondition({ mailbox, condition: { kind, message, since: before?.kind === kind ? before.since : now, until } });
    if (until !== null && before?.kind !== 'rate-limited') await signalRateLimited({ until, waitFor: until - now, message });
  } catch (error) {
    // Telling must not hide what is told: the failure itself follows.
    Context.current().log.warn('the condition could not be noted', { error });
  }
}

type ConditionKind = 'rate-limited' | 'failing' | 'needs-consent' | 'failed';

const CONDITIONS: Readonly<Record<FailureType, ConditionKind>> = {
  HistoryExpired: 'failing',
  RateLimited: 'rate-limited',
  ConsentRevoked: 'needs-consent',
  MailboxNotConnected: 'needs-consent',
  CredentialsUnreadable: 'failing',
  OtherAccount: 'needs-consent',
  MailboxUnavailable: 'failed',
  GmailUnreachable: 'failing',
  StoreUnavailable: 'failing',
  StoreLost: 'failing',
  Unexpected: 'failing',
};

async function signalRateLimited(wait: { until: number; waitFor: number; message: string }): Promise<void> {
  const { client, info } = Context.current();
  if (info.workflowExecution === undefined) return;
  await client.workflow.getHandle(info.workflowExecution.workflowId).signal(RATE_LIMITED_SIGNAL, wait);
}
