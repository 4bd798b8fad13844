import { Context } from '@temporalio/activity';
import { failingSinceIn, type FailingSince } from '../model/failing-since.ts';
import type { MailboxId } from '../model/ids.ts';
import { LANE_OF_ACTIVITY, type Lane } from '../model/lane.ts';
import { RATE_LIMITED_SIGNAL } from '../model/signal-name.ts';
import { CONDITION_KINDS } from '../store/rows/condition-kinds.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { FailureOutcome } from './failures.ts';
import type { MailboxActivities } from './requests.ts';

const LANES: Readonly<Record<keyof MailboxActivities, Lane | null>> = LANE_OF_ACTIVITY;

/**
 * Activities whose success ends their lane's condition. One that asks Gmail nothing proves nothing: the lane's next
 * activity, which always follows, ends the condition.
 */
const PROVING: ReadonlySet<keyof MailboxActivities> = new Set([
  'fullSync',
  'recover',
  'fetchSlice',
  'audit',
  'partialSync',
]);

export async function clearCondition(
  { store }: ActivityDependencies<MailboxRegistry>,
  mailbox: MailboxId,
  activity: keyof MailboxActivities,
): Promise<void> {
  const lane = LANES[activity];
  if (lane === null || !PROVING.has(activity)) return;
  const row = await store.getMailbox(mailbox);
  if (row !== null && row.condition !== null) await store.noteCondition({ mailbox, lane, condition: null });
}

/**
 * Records a failed attempt for `status`, which reads conditions from the store: waiting attempts leave no trace in the
 * workflow's history. Only the first rate limit of an episode sends the workflow a signal, so that the phase search
 * attribute shows the wait.
 *
 * A store that cannot be written leaves the failure to Temporal, from which `status` takes it. A last heartbeat says
 * since when: it outlives the attempt, so no worker needs to remember.
 *
 * @param failed.now - epoch ms
 * @param failed.details - what the attempt's heartbeats said so far
 */
export async function noteFailure(
  { store }: ActivityDependencies<MailboxRegistry>,
  failed: {
    readonly mailbox: MailboxId;
    readonly activity: keyof MailboxActivities;
    readonly outcome: FailureOutcome;
    readonly now: number;
    readonly details: object;
  },
): Promise<void> {
  const { mailbox, activity, outcome, now } = failed;
  const lane = LANES[activity];
  if (lane === null) return;
  try {
    const before = (await store.getMailbox(mailbox))?.conditions[lane] ?? null;
    const kind = CONDITION_KINDS[outcome.type];
    const until = outcome.next.kind === 'wait' ? outcome.next.until : null;
    const { message, remedy = null } = outcome;
    await store.noteCondition({
      mailbox,
      lane,
      condition: {
        kind,
        message,
        since: before?.kind === kind ? before.since : now,
        until,
        ...(remedy === null ? {} : { remedy }),
      },
    });
    const isKnown = before?.kind === 'rate-limited' && before.told !== false;
    if (until !== null && !isKnown) await signalRateLimited({ until, waitFor: until - now, message });
  } catch (error) {
    // Recording the failure must not mask it: the caller rethrows it.
    const { log, heartbeat, info } = Context.current();
    log.warn('the condition could not be noted', { error });
    if (!info.isLocal) heartbeat({ ...failed.details, ...failingSince(info, now) });
  }
}

function failingSince(info: Context['info'], now: number): FailingSince {
  return { failingSince: Math.min(failingBefore(info).failingSince ?? now, now) };
}

/** What the heartbeats of the attempts before say. This attempt's must go on saying it: each replaces the last. */
export function failingBefore({ attempt, heartbeatDetails }: Context['info']): Partial<FailingSince> {
  const before = attempt === 1 ? null : failingSinceIn(heartbeatDetails);
  return before === null ? {} : { failingSince: before };
}

async function signalRateLimited(wait: { until: number; waitFor: number; message: string }): Promise<void> {
  const { client, info } = Context.current();
  if (info.workflowExecution === undefined) return;
  await client.workflow.getHandle(info.workflowExecution.workflowId).signal(RATE_LIMITED_SIGNAL, wait);
}
