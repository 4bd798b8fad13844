import { Context } from '@temporalio/activity';
import type { Lane } from '../model/lane.ts';
import type { FailureType } from '../model/failure-type.ts';
import type { MailboxId } from '../model/ids.ts';
import { RATE_LIMITED_SIGNAL } from '../model/signal-name.ts';
import type { Condition } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { FailureOutcome } from './failures.ts';
import type { MailboxActivities } from './requests.ts';

/**
 * The lane of each activity's condition, and whether the activity's success ends that condition. An activity that asks
 * Gmail nothing proves nothing: the lane's next activity, which always follows, ends the condition. null for an
 * activity without a condition.
 */
const WORK: Readonly<Record<keyof MailboxActivities, { readonly lane: Lane; readonly proves: boolean } | null>> = {
  openMailbox: { lane: 'backfill', proves: false },
  fullSync: { lane: 'backfill', proves: true },
  recover: { lane: 'backfill', proves: true },
  fetchSlice: { lane: 'backfill', proves: true },
  audit: { lane: 'backfill', proves: true },
  partialSync: { lane: 'live', proves: true },
  // It looks only where no condition is noted.
  lookForChanges: { lane: 'live', proves: false },
  stopWatch: { lane: 'live', proves: false },
  // Deliveries have their own state, in positions.
  deliver: null,
  noteEvents: null,
};

export async function clearCondition(
  { store }: ActivityDependencies<MailboxRegistry>,
  mailbox: MailboxId,
  activity: keyof MailboxActivities,
): Promise<void> {
  const work = WORK[activity];
  if (work?.proves !== true) return;
  const row = await store.getMailbox(mailbox);
  if (row !== null && row.condition !== null) await store.noteCondition({ mailbox, lane: work.lane, condition: null });
}

/**
 * Records a failed attempt for `status`, which reads conditions from the store: waiting attempts leave no trace in the
 * workflow's history. Only the first rate limit of an episode sends the workflow a signal, so that the phase search
 * attribute shows the wait.
 *
 * @param failed.now - epoch ms
 */
export async function noteFailure(
  { store }: ActivityDependencies<MailboxRegistry>,
  failed: { mailbox: MailboxId; activity: keyof MailboxActivities; outcome: FailureOutcome; now: number },
): Promise<void> {
  const { mailbox, activity, outcome, now } = failed;
  const work = WORK[activity];
  if (work === null) return;
  const { lane } = work;
  try {
    const before = (await store.getMailbox(mailbox))?.conditions[lane] ?? null;
    const kind = CONDITIONS[outcome.type];
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
    Context.current().log.warn('the condition could not be noted', { error });
  }
}

const CONDITIONS: Readonly<Record<FailureType, Condition['kind']>> = {
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
  OtherDatabase: 'failing',
  Unexpected: 'failing',
};

async function signalRateLimited(wait: { until: number; waitFor: number; message: string }): Promise<void> {
  const { client, info } = Context.current();
  if (info.workflowExecution === undefined) return;
  await client.workflow.getHandle(info.workflowExecution.workflowId).signal(RATE_LIMITED_SIGNAL, wait);
}
