import type { LookResult } from '../activities/requests.ts';
import { isIdle, type LaneState, type Ways } from './lane-scheduler.ts';
import type { EventOf } from './mailbox-event.ts';
import type { MailboxState } from './mailbox-state.ts';
import type { Plan } from './plan.ts';

/**
 * Adds to a plan whether its partial sync begins with a look, a local activity: it costs no activity task, half the
 * workflow tasks and half the events, and most polls find nothing. While it runs, the workflow's task is open, so
 * signals and other lanes wait. That is why only a poll of an idle mailbox looks, and not for longer than seconds.
 */
export function withLook(
  plan: Plan,
  { lanes, now, ways }: { readonly lanes: LaneState; readonly now: number; readonly ways: Ways },
): Plan {
  const { live, backfill, deliver, deliverBeside, note } = plan;
  const isAlone = backfill === null && deliver === undefined && deliverBeside === undefined && note === undefined;
  return live !== null && isAlone && isIdle(lanes) && isQuiet(lanes.state, now) && ways.looks()
    ? { ...plan, looks: true }
    : plan;
}

/** Whether a sync that finds no new history would have nothing else to do, as far as the workflow knows. */
function isQuiet(state: MailboxState, now: number): boolean {
  const { fullSync, syncs, pokedAt, rereadAt, push } = state;
  const isMirrored =
    fullSync.kind === 'done' && state.historyId !== null && state.pending === 0 && state.nextSliceAt === null;
  const isPoll = syncs.requested <= syncs.started && pokedAt.waiting === null && pokedAt.serving === null;
  const isRenewal = push.watch !== null && push.watch.renewAt <= now;
  const isRenamed = push.address != null;
  const isHeldUp = state.blocked !== null || state.rateLimited !== null;
  // Before history has settled, it shows again what was applied, and a look could not tell.
  return isMirrored && isPoll && !isRenewal && !isRenamed && !isHeldUp && rereadAt === null;
}

/** The result of a partial sync that found nothing, as a look's result and the state say it. */
export function quietSync(
  { stored, pending, failed, push, quota }: MailboxState,
  { units, ...seen }: Extract<LookResult, { kind: 'quiet' }>,
): EventOf<'partial-synced'> {
  return {
    ...seen,
    kind: 'partial-synced',
    stored,
    pending,
    failed,
    changed: false,
    more: false,
    nextAttemptAt: null,
    failedAttemptAt: null,
    settleAt: null,
    // Nothing is left to fetch. The former end would be corrected by the clocks' difference once more.
    ...(quota === null ? {} : { quota: { ...quota, units: quota.units + units, finishAt: null } }),
    watch: push.watch === null ? null : { ...push.watch, isRenewed: false },
  };
}
