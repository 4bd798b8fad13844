import { Context } from '@temporalio/activity';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { StoreMark } from '../model/store-identity.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import { clearCondition, failingBefore, noteFailure } from './note-condition.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { outcomeOf, toApplicationFailure, type FailureOutcome } from './failures.ts';
import { requireDatabase } from './require-database.ts';
import type { MailboxActivities } from './requests.ts';

/**
 * Activities that run seldom enough to be logged at the usual level. Slices and partial syncs of many mailboxes would
 * fill any log.
 */
const RARE: ReadonlySet<keyof MailboxActivities> = new Set(['fullSync', 'recover', 'audit']);

/** Well under the heartbeat time-out of 15 s: a worker that lives is never taken for dead. */
const HEARTBEAT_INTERVAL = 2_000;

/**
 * Runs an activity as Temporal needs it: sends heartbeats beside it, turns its failure into one that says whether to
 * try again, and measures its duration.
 */
export async function runActivity<Result>(
  deps: ActivityDependencies<MailboxRegistry>,
  {
    mailbox,
    name,
    store,
  }: { readonly mailbox: MailboxId; readonly name: keyof MailboxActivities; readonly store?: StoreMark },
  activity: (run: ActivityRun, database: StoreMark) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  let details: Readonly<Record<string, number | string | null>> = { ...failingBefore(context.info) };
  const finished = new AbortController();
  const startedAt = deps.clock.now();
  const ended = (outcome: 'completed' | 'failed' | 'cancelled'): void =>
    deps.telemetry?.observe('tidemark_activity_duration_seconds', (deps.clock.now() - startedAt) / 1_000, {
      activity: name,
      outcome,
    });
  // The server takes no heartbeats of a local activity, which ends within seconds.
  const heartbeats = context.info.isLocal ? null : beat(deps.clock, finished.signal, () => context.heartbeat(details));
  try {
    const database = await requireDatabase(deps.store, store);
    const run: ActivityRun = {
      signal: context.cancellationSignal,
      attempt: context.info.attempt,
      wasGivenUp: () => {
        const { notFound = false, timedOut = false } = context.cancellationDetails ?? {};
        return notFound || timedOut;
      },
      // Sent with the next heartbeat: work of less than two seconds sends no heartbeat, and each is an Action of
      // Temporal Cloud.
      progress: (progress) => {
        details = { ...details, ...progress };
      },
    };
    const result = await activity(run, database);
    await clearCondition(deps, mailbox, name);
    ended('completed');
    context.log[RARE.has(name) ? 'info' : 'debug'](`${name} completed`, {
      seconds: (deps.clock.now() - startedAt) / 1_000,
      result,
    });
    return result;
  } catch (error) {
    if (context.cancellationSignal.aborted) {
      ended('cancelled');
      throw context.cancellationSignal.reason;
    }
    const now = deps.clock.now();
    const outcome = outcomeOf(error, mailbox, now) ?? unexpected(error, name, mailbox);
    ended('failed');
    deps.telemetry?.add('tidemark_activity_failures_total', 1, { activity: name, type: outcome.type });
    // Nothing is written into a database that is not the mailbox's.
    if (outcome.type !== 'OtherDatabase') await noteFailure(deps, { mailbox, activity: name, outcome, now, details });
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

/**
 * The outcome of a defect. The error's text may quote mail (JSON.parse does), so only the error's name and place leave
 * the process.
 */
function unexpected(error: unknown, activity: string, mailbox: MailboxId): FailureOutcome {
  const name = error instanceof Error ? error.name : typeof error;
  const place =
    error instanceof Error
      ? (/\((?:file:\/\/)?.*\/((?:src|dist)\/[^)]+)\)/.exec(error.stack ?? '')?.[1] ?? 'an unknown place')
      : 'an unknown place';
  return {
    type: 'Unexpected',
    next: { kind: 'retry' },
    message:
      `unexpected ${name} in ${activity} of ${mailbox} at ${place}: ` +
      'this is a defect, please report it; it is tried again',
  };
}
