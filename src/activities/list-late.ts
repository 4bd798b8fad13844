import type { GmailSession } from '../gmail/api/gmail-api.ts';
import { listings } from '../gmail/api/scope-listings.ts';
import type { HistoryId, LabelId, MessageId } from '../model/ids.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import { countDoubt, isCountDecided, nextDoubt, recheckAt } from './listing-doubt.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { pagesOf } from './list-ids.ts';
import { compareTotals } from './listing-totals.ts';
import { settledMark } from './settling.ts';

/**
 * `late`: how many messages had not been listed before. `isDoubted`: the whole listing is to be made again, because
 * what it did not show is in doubt.
 */
export interface LateListing {
  readonly late: number;
  readonly isDoubted: boolean;
}

/** Ms until it is looked at again whether messages that hold up a whole listing are read. */
const HELD_UP = 60_000;

const NOT_DUE: LateListing = { late: 0, isDoubted: false };

/**
 * Lists everything once more, some time after a first full sync (5 units per 500 ids). Gmail's list index lags: the
 * first listing may have missed a message that is older than the mark, which history does not mention. The newest page
 * is not enough, since a message imported just before the listing has whatever date its sender gave it.
 *
 * Listing twice changes nothing, so after a crash the listing simply begins again. While Gmail counts more messages
 * than it lists, the listing is repeated later, ever more rarely.
 */
export async function listLate(
  deps: ActivityDependencies<MailboxRegistry & FetchingStore & WorkStore>,
  session: GmailSession,
  row: MailboxRow,
  run: ActivityRun,
): Promise<LateListing> {
  const { store, clock } = deps;
  const { doubt, generation } = row;
  if (row.relistAt === null || row.relistAt > clock.now()) return NOT_DUE;
  if (doubt !== null && (doubt.absent + doubt.relabelled > 0 || doubt.underLabels !== undefined)) {
    // A whole listing begins when all that is pending has been read. Until then it is put off: were it due all that
    // time, slices and partial syncs would follow each other without a pause.
    if ((await store.countMessages(row.id, clock.now())).backfill === 0) return { late: 0, isDoubted: true };
    await store.setRelistAt({ mailbox: row.id, generation, relistAt: clock.now() + HELD_UP });
    return NOT_DUE;
  }
  const since = settledMark(row, clock.now())?.historyId ?? null;
  const { late, counts } = await listAgain(deps, session, { row, since }, run);
  const { scope } = row.settings;
  const totals =
    scope.limit !== null || since === null
      ? null
      : await compareTotals({ session, scope, counts, since, signal: run.signal });
  if (totals === null || isCountDecided(totals, doubt)) {
    await store.saveDoubt({ mailbox: row.id, generation, doubt: null, relistAt: null });
    return { late, isDoubted: false };
  }
  const doubted = nextDoubt(doubt, { uncounted: totals.uncounted, absent: 0, relabelled: 0 }, clock.now());
  await store.saveDoubt({ mailbox: row.id, generation, doubt: doubted, relistAt: recheckAt(doubted) });
  countDoubt(deps, doubted);
  return { late, isDoubted: false };
}

async function listAgain(
  { store, clock }: ActivityDependencies<MailboxRegistry & FetchingStore>,
  session: GmailSession,
  { row, since }: { row: MailboxRow; since: HistoryId | null },
  run: ActivityRun,
) {
  let late = 0;
  // A page that moved while the listing went on, or that is listed again, shows a message twice. Counted twice, it
  // would make up for one that the listing left out.
  const messages = new Set<MessageId>();
  const labels = new Map<LabelId, Set<MessageId>>();
  for (const query of listings(row.settings.scope)) {
    // The first listing left out the messages beyond the scope's limit, and so does this one.
    let wanted = row.settings.scope.limit ?? Number.POSITIVE_INFINITY;
    for await (const page of pagesOf(session, query, run.signal)) {
      const listed = page.slice(0, wanted);
      wanted -= listed.length;
      for (const { id } of listed) messages.add(id);
      for (const label of query.labelIds ?? []) {
        const under = labels.get(label) ?? new Set();
        for (const { id } of listed) under.add(id);
        labels.set(label, under);
      }
      const { unknown } = await store.addListedLate({ mailbox: row.id, messages: listed, since, now: clock.now() });
      late += unknown;
      run.progress({ step: 'listing late', late });
      if (wanted === 0) break;
    }
  }
  return {
    late,
    counts: { messages: messages.size, labels: new Map([...labels].map(([label, under]) => [label, under.size])) },
  };
}
