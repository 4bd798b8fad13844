import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import { endWatch, keepLastEvents } from './activity-lanes.ts';
import { carriedState } from './carried-state.ts';
import { TASK_TIMEOUT, type MailboxInput, type MailboxResult } from './definitions.ts';
import { setHandlers } from './handlers.ts';
import { InvalidInputError, mailboxInput, type CheckedInput } from './mailbox-input.ts';
import { MailboxRun } from './mailbox-run.ts';
import { initialState } from './mailbox-state.ts';

/**
 * Synchronises one mailbox, for years. Five lanes run side by side: the live lane (partial syncs), the backfill lane
 * (full syncs), two delivery lanes (changes, for handlers and for webhooks), and a lane that keeps events for
 * subscriptions. What the lanes should do is a pure function of the state (`planOf`). Everything that happens is an
 * event that changes the state (`transition`). How the lanes begin, end and wait is pure, too (`lane-plan.ts`,
 * `lane-scheduler.ts` and `lane-wait.ts`).
 *
 * @param argument - the mailbox, its settings, and what an earlier run carried over
 * @returns the mark when the mailbox is stopped, and how many syncs there were
 * @throws Temporal's failure `InvalidInput` when the argument names no mailbox or wrong settings
 */
export async function mailbox(argument: MailboxInput): Promise<MailboxResult> {
  const input = startedWith(argument);
  // An earlier version may have carried less.
  const state = carriedState(initialState({ ...input, now: Date.now() }), input.carried);
  const run = new MailboxRun(state, { isFirst: input.carried === null });
  setHandlers(run);
  run.begin();
  // The awaits stay in this function, one after the other. A function around them would add microtask turns, in which
  // other commands may come first.
  try {
    while (!run.state.stopping) {
      run.show();
      const cutsHistory = run.isHistoryLong();
      if (cutsHistory && run.isIdle) await carryOn(run);
      const plan = run.startLanes(cutsHistory);
      await run.untilNews(plan, cutsHistory);
    }
    await condition(() => run.isIdle);
    if (run.keepsLastEvents) await keepLastEvents(run.state);
    if (run.state.push.watch !== null && run.heir === null) await endWatch(run.state);
    run.show();
    await condition(allHandlersFinished);
    return resultOf(run);
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => leave(run));
    throw error;
  }
}

/** No signal is lost: if one arrives before the server accepts the command, the server runs this task again. */
async function carryOn(run: MailboxRun): Promise<void> {
  await condition(allHandlersFinished);
  const { state } = run;
  const continueAsNew = makeContinueAsNewFunc<typeof mailbox>({ workflowTaskTimeout: TASK_TIMEOUT });
  await continueAsNew({ mailbox: state.mailbox, settings: state.settings, carried: state });
}

function resultOf({ state, heir }: MailboxRun): MailboxResult {
  const { historyId, counters } = state;
  const push = { ...state.push, address: null };
  const handedOver = heir === null ? {} : { handedOver: { to: heir, state: { ...state, push, stopping: false } } };
  return { historyId, partialSyncs: counters.partialSyncs, fullSyncs: counters.fullSyncs, ...handedOver };
}

/** Leaves after a cancellation from outside. The root scope cancels the lanes, too; their work is safe in the store. */
async function leave(run: MailboxRun): Promise<void> {
  await condition(() => run.isIdle);
  if (run.keepsLastEvents) await keepLastEvents(run.state);
  if (run.state.push.watch !== null) await endWatch(run.state);
}

/**
 * Reads the argument. If it is invalid, the workflow fails, and its starter sees the message; a workflow task that
 * throws would be retried forever.
 */
function startedWith(argument: unknown): CheckedInput {
  try {
    const { workflowId, continuedFromExecutionRunId: continuedFrom } = workflowInfo();
    return mailboxInput(argument, { workflowId, continuedFrom, now: Date.now() });
  } catch (error) {
    if (error instanceof InvalidInputError) throw ApplicationFailure.nonRetryable(error.message, 'InvalidInput');
    throw error;
  }
}
