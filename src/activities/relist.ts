import type { GmailSession } from '../gmail/api/gmail-api.ts';
import { listings } from '../gmail/api/scope-listings.ts';
import type { LabelId, MessageId } from '../model/ids.ts';
import type { Doubt, MailboxRow } from '../store/rows/mailbox-row.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import { countDoubt, isCountDecided, nextDoubt, recheckAt } from './listing-doubt.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { pagesOf } from './list-ids.ts';
import { reaches, type Relisted, type RelistingRoles } from './relisting-reach.ts';
import { compareTotals, type Totals } from './listing-totals.ts';
import { settledMark } from './settling.ts';
import { vanishedSince } from './vanished.ts';

/**
 * `late`: how many messages had not been listed before. `isDoubted`: the whole listing is to be made again, because
 * what it did not show is in doubt.
 */
export interface Relisting {
  readonly late: number;
  readonly isDoubted: boolean;
}

/** Ms until the next look at whether the messages that hold up a whole listing have been read. */
const HELD_UP = 60_000;

const NOT_DUE: Relisting = { late: 0, isDoubted: false };

/**
 * Makes the relisting where it is due. After a first listing, it lists everything once more (5 units per 500 ids).
 * Gmail's list index lags: the first listing may have missed a message that is older than the mark, which history does
 * not mention. The newest page is not enough, since a message imported just before the listing has whatever date its
 * sender gave it.
 *
 * Listing twice changes nothing, so after a crash the relisting simply begins again. While Gmail counts more messages
 * than it lists, another one follows later, ever more rarely.
 */
export async function relist(
  deps: ActivityDependencies<RelistingRoles & WorkStore>,
  session: GmailSession,
  row: MailboxRow,
  run: ActivityRun,
): Promise<Relisting> {
  const { store, clock } = deps;
  const { doubt, generation } = row;
  if (row.relistAt === null || row.relistAt > clock.now()) return NOT_DUE;
  if (doubt !== null && needsWholeListing(doubt, row)) {
    // A whole listing begins when no message is pending any more. Until then it is put off: if it stayed due, slices
    // and partial syncs would follow each other without a pause.
    if (!(await store.countProgress(row.id)).isBackfilling) return { late: 0, isDoubted: true };
    await store.setRelistAt({ mailbox: row.id, generation, relistAt: clock.now() + HELD_UP });
    return NOT_DUE;
  }
  const since = settledMark(row, clock.now())?.historyId ?? null;
  const { late, totals } = await listUntilWhole({ deps, session, row, since, run });
  if (totals === null || isCountDecided(totals, doubt)) {
    // If the live lane has doubted a label meanwhile, this listing stays due, and the next slice decides.
    await store.saveDoubt({ mailbox: row.id, generation, replaces: doubt, doubt: null, relistAt: null });
    return { late, isDoubted: false };
  }
  const doubted = nextDoubt(doubt, { uncounted: totals.uncounted, absent: 0, relabelled: 0 }, clock.now());
  const save = { mailbox: row.id, generation, replaces: doubt, doubt: doubted, relistAt: recheckAt(doubted) };
  if (await store.saveDoubt(save)) countDoubt(deps, doubted);
  return { late, isDoubted: false };
}

/**
 * Whether a relisting cannot settle the doubt. One that ends at a limit does not count what lies below, whereas a
 * recovery lists that, too.
 */
const needsWholeListing = (
  { absent, relabelled, underLabels }: Doubt,
  { settings, fullSync }: Pick<MailboxRow, 'settings' | 'fullSync'>,
): boolean =>
  absent + relabelled > 0 ||
  underLabels !== undefined ||
  (settings.scope.limit !== null && fullSync?.reconciling === true);

/**
 * Lists everything, and compares it with Gmail's count; null where that cannot be compared. Everything is listed again
 * if pages may have shifted, so that a message may be in neither the first listing nor this one, and if this listing
 * brought messages, or no count will show what is missing.
 */
async function listUntilWhole(relisted: Relisted): Promise<{ readonly late: number; readonly totals: Totals | null }> {
  const { session, row, since, run } = relisted;
  const { scope } = row.settings;
  const isCounted = scope.limit === null && scope.after === null;
  let { late, counts } = await listAgain(relisted);
  if (since !== null && (late > 0 || !isCounted)) {
    // Pages shift when the index drops a message, which may be some time after history has reported it. Records since
    // `since` include that one.
    const { fromScope, isWhole } = await vanishedSince(session, { since }, scope, run.signal);
    if (fromScope || !isWhole) {
      const again = await listAgain(relisted);
      late += again.late;
      counts = again.counts;
    }
  }
  if (scope.limit !== null || since === null) return { late, totals: null };
  return { late, totals: await compareTotals({ session, scope, counts, since, signal: run.signal }) };
}

async function listAgain(relisted: Relisted) {
  const { deps, session, row, since, run } = relisted;
  const { store, clock } = deps;
  const { id: mailbox, generation, settings } = row;
  let late = 0;
  // A page that moved while the listing went on, or that is listed again, shows a message twice. Counted twice, the
  // message would make up for another that the listing left out.
  const messages = new Set<MessageId>();
  const labels = new Map<LabelId, Set<MessageId>>();
  const nextReach = await reaches(relisted);
  for (const query of listings(settings.scope)) {
    const reach = nextReach();
    for await (const page of pagesOf(session, query, run.signal)) {
      for (const { id } of page) messages.add(id);
      for (const label of query.labelIds ?? []) {
        const under = labels.get(label) ?? new Set();
        for (const { id } of page) under.add(id);
        labels.set(label, under);
      }
      const within = await reach.take(page);
      const request = { mailbox, generation, messages: within, since, isAdmitted: reach.admits, now: clock.now() };
      if (within.length > 0) late += (await store.addListedLate(request)).unknown;
      run.progress({ step: 'relisting', late });
      if (reach.isOver) break;
    }
    await reach.end();
  }
  return {
    late,
    counts: { messages: messages.size, labels: new Map([...labels].map(([label, under]) => [label, under.size])) },
  };
}
