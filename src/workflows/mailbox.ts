import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  workflowInfo,
} from '@temporalio/workflow';
import { endWatch } from './activity-lanes.ts';
import { carriedState } from './carried-state.ts';
import type { MailboxInput, MailboxResult } from './definitions.ts';
import { registerHandlers } from './handlers.ts';
import { InvalidInputError, mailboxInput, type StartedMailbox } from './mailbox-input.ts';
import { MailboxRun } from './mailbox-run.ts';
import { initialState } from './mailbox-state.ts';

/**
 * One mailbox, for years. Two lanes run beside each other: the live lane (partial syncs) and the backfill lane (full
 * syncs). What they should do is a pure function of the state (`planNext`); whatever happens is an event that changes
 * it (`transition`); how the lanes begin, end and wait is pure, too (`lane-scheduler.ts`).
 */
export async function mailbox(argument: MailboxInput): Promise<MailboxResult> {
  const input = startedWith(argument);
  // An earlier version may have carried less.
  const state = carriedState(initialState({ ...input, now: Date.now() }), input.carried);
  const run = new MailboxRun(state, { isFirst: input.carried === null });
  registerHandlers(run);
  run.begin();
  // The awaits stay here, one behind the other: each function around them would take turns more, in which other
  // commands may come first.
  try {
    while (!run.state.stopping) {
      run.show();
      const cutsHistory = run.isHistoryLong();
      if (cutsHistory && run.isIdle) await carryOn(run);
      const plan = run.startLanes(cutsHistory);
      await run.untilNews(plan, cutsHistory);
    }
    await condition(() => run.isIdle);
    if (run.state.push.watch !== null && run.heir === null) await endWatch(run.state);
    run.show();
    await condition(allHandlersFinished);
    return resultOf(run);
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => leave(run));
    throw error;
  }
}

/** Signals that arrive before the command is accepted make the server run this task again, so none is lost. */
async function carryOn(run: MailboxRun): Promise<void> {
  await condition(allHandlersFinished);
  const { state } = run;
  await continueAsNew<typeof mailbox>({ mailbox: state.mailbox, settings: state.settings, carried: state });
}

function resultOf({ state, heir }: MailboxRun): MailboxResult {
  const { historyId, counters } = state;
  const handedOver = heir === null ? {} : { handedOver: { to: heir, state: { ...state, stopping: false } } };
  return { historyId, partialSyncs: counters.partialSyncs, fullSyncs: counters.fullSyncs, ...handedOver };
}

/** Cancelled from outside: the lanes are cancelled with the root scope; their work is safe in the store. */
async function leave(run: MailboxRun): Promise<void> {
  await condition(() => run.isIdle);
  if (run.state.push.watch !== null) await endWatch(run.state);
}

/** A workflow task that throws is tried for ever; a workflow that fails shows its sentence to whoever started it. */
function startedWith(argument: unknown): StartedMailbox {
  try {
    return mailboxInput(argument, workflowInfo().workflowId);
  } catch (error) {
    if (error instanceof InvalidInputError) throw ApplicationFailure.nonRetryable(error.message, 'InvalidInput');
    throw error;
  }
}
