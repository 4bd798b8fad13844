import type { GmailSession } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { Patience } from '../gmail/quota/patience.ts';
import { otherAddressOf } from '../model/address.ts';
import type { GmailMethod } from '../model/prices.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import { sessionFor, type ActivityDependencies, type ActivityRun } from './dependencies.ts';
import { followedMailbox } from './known-mailbox.ts';
import type { HistoryRoles } from './partial-sync.ts';
import type { LookRequest, LookResult } from './requests.ts';
import { remember, replayFrom } from './settling.ts';
import { isWatchDue } from './watch.ts';

/** The most looks of a worker at once: each keeps a workflow task open, and the SDK runs 40 of those by default. */
const MOST_LOOKS = 20;

const MORE: LookResult = { kind: 'more' };

type LookRoles = HistoryRoles & Pick<WorkStore, 'hasWork'>;

/**
 * Makes the activity of one worker. When Gmail is slow and many looks run, the polls of other mailboxes are partial
 * syncs at once, so that workflow tasks remain for pokes.
 */
export function createLook(most = MOST_LOOKS): typeof lookForChanges {
  let running = 0;
  return async (deps, request, run) => {
    if (running >= most) return MORE;
    running += 1;
    try {
      return await lookForChanges(deps, request, run);
    } finally {
      running -= 1;
    }
  };
}

/**
 * Looks whether a partial sync would find anything, with the same two calls (3 units). Most polls find nothing, and a
 * look does not do the rest: it only moves the mark. If there is anything else to do, it changes nothing, and a partial
 * sync follows. A call that fails is left to that sync, too, which counts it.
 *
 * An attempt that dies at any point has moved the mark to a head up to which history was empty, or has done nothing.
 */
export async function lookForChanges(
  deps: ActivityDependencies<LookRoles>,
  request: LookRequest,
  run: ActivityRun,
): Promise<LookResult> {
  const { mailbox } = request;
  if (await deps.store.hasWork(mailbox)) return MORE;
  const call: { method: GmailMethod } = { method: 'getProfile' };
  try {
    const session = await deps.openSession({ mailbox, lane: 'live', once: true, ...sessionFor({}, run) });
    try {
      return await look(deps, session, request, { run, call });
    } finally {
      await session.flush();
    }
  } catch (error) {
    const { method } = call;
    if (!(error instanceof GmailError) || new Patience(method, deps.clock).after(error.failure) === null) throw error;
    return { kind: 'more', failedBefore: { method, failure: error.failure } };
  }
}

/** @param look.call - gets the method of the call that is being made */
async function look(
  deps: ActivityDependencies<LookRoles>,
  session: GmailSession,
  { mailbox, historyId }: LookRequest,
  { run, call }: { readonly run: ActivityRun; readonly call: { method: GmailMethod } },
): Promise<LookResult> {
  const { store, clock } = deps;
  // Read now: opening the session may have found that the account has a new address.
  const row = await followedMailbox(deps, mailbox);
  if (row.historyId !== historyId || !isQuiet(row) || isWatchDue(deps, row)) return MORE;
  call.method = 'labels.list';
  const labels = await session.listLabels(run.signal);
  if (!(await store.knowsLabels({ mailbox, labels, now: clock.now() }))) return MORE;
  const start = replayFrom(row, row.historyId);
  const askedAt = clock.now();
  call.method = 'history.list';
  const page = await session.listHistory({ startHistoryId: start, pageToken: null }, run.signal);
  if (page.records.length > 0 || page.nextPageToken !== null) return MORE;
  run.signal.throwIfAborted();
  const now = clock.now();
  const applied = await store.applyHistory({
    mailbox,
    generation: row.generation,
    records: [],
    mark: page.historyId,
    settle: remember(row.marks, { head: page.historyId, askedAt, answeredAt: now }),
    settledBefore: start,
    now,
  });
  if (applied === null) return MORE;
  return { kind: 'quiet', historyId: page.historyId, units: session.unitsSpent() };
}

/** Whether the mailbox's row leaves nothing to do but to follow history. */
function isQuiet({ id, fullSync, relistAt, doubt, condition, account }: MailboxRow): boolean {
  const isMirrored = fullSync?.step === 'done' && relistAt === null && doubt === null;
  return isMirrored && condition === null && otherAddressOf(id, account) === null;
}
