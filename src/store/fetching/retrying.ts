import { sql } from 'kysely';
import type { FetchingStore } from './fetching-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import { SEEMS_GONE, seemsGone, UNSEEN } from '../../model/not-found.ts';
import { isDecided, type MessageRow } from '../rules/message-row.ts';
import { FIRST_REFRESH_DELAY } from '../rules/refresh-rules.ts';
import { toFetch } from '../rules/row-scope.ts';
import { loadRows, writeDifferences } from '../rows/message-writer.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

const LONGEST_DELAY = 60 * 60_000;
const OVERDUE_DELAY = 5 * 60_000;
/** How many refreshes are put off before 404s count as more than a lagging replica's: about a minute and a half. */
const FETCHED_AFTER = 5;

/**
 * See {@link FetchingStore.retryFailed}. All rows move to the backfill lane, so that one activity tries them.
 *
 * 404s bury a message only after the whole wait between them, which a person's retries must not shorten. So the count
 * of such answers starts over, and a message that its thread did not show counts as not looked for there.
 */
export function retryFailed(
  database: StoreDatabase,
  request: RequestOf<FetchingStore, 'retryFailed'>,
): Promise<number> {
  return withMailbox(database, request.mailbox, async ({ tx, key }) => {
    const { numUpdatedRows } = await tx
      .updateTable('messages')
      .set((eb) => {
        const wasCounted = eb.case().when('last_error', 'in', SEEMS_GONE);
        const seemedGone = eb.case().when('last_error', '=', UNSEEN);
        return {
          next_attempt_at: 1,
          lane: 'backfill',
          rank: sql`coalesce(position, 0)`,
          attempts: wasCounted.then(0).else(eb.ref('attempts')).end(),
          last_error: seemedGone.then(null).else(eb.ref('last_error')).end(),
        };
      })
      .where('mailbox_key', '=', key)
      .where((eb) => eb.or([eb('state', '=', 'failed'), eb('state', '=', 'stored').and('lane', 'is not', null)]))
      .executeTakeFirst();
    return Number(numUpdatedRows);
  });
}

/**
 * See {@link FetchingStore.putOffRefresh}. `attempts` counts refreshes in a fetched row, and fetches in a row that
 * still waits for one.
 */
export function putOffRefresh(
  database: StoreDatabase,
  request: RequestOf<FetchingStore, 'putOffRefresh'>,
): Promise<void> {
  const { mailbox, messageIds, notFound, now } = request;
  return withMailbox(database, mailbox, async (locked) => {
    const rows = [...(await loadRows(locked, messageIds)).values()].filter(
      (row) => isDecided(row) || row.format !== null,
    );
    const later = rows.map((before) => {
      if (notFound?.has(before.id) === true && countsRefreshes(before) && before.attempts >= FETCHED_AFTER)
        return { before, after: { ...toFetch(before, 'live', now), refreshAt: null } };
      const soon = now + Math.min(FIRST_REFRESH_DELAY * 2 ** Math.min(before.attempts, 20), LONGEST_DELAY);
      const after = countsRefreshes(before)
        ? { ...before, attempts: before.attempts + 1, refreshAt: soon }
        : refreshedByFetch(before, { soon, now });
      return { before, after };
    });
    await writeDifferences(locked, later, now);
  });
}

/**
 * Whether `attempts` counts refreshes. A stored row in a lane waits for the rest of its message, and counts those
 * fetches: otherwise refused refreshes would put the fetches off for days.
 */
const countsRefreshes = (row: MessageRow): boolean => isDecided(row) && row.lane === null;

/**
 * A row that waits for a fetch. The fetch reads the labels, too, and finds out whether the message is gone, so both are
 * due soon. But 404s bury a message only after the whole wait between them, and a fetch that is overdue waits for its
 * lane: then the refresh waits, too.
 */
function refreshedByFetch(row: MessageRow, { soon, now }: { readonly soon: number; readonly now: number }): MessageRow {
  if (row.nextAttemptAt <= now) return { ...row, refreshAt: Math.max(soon, now + OVERDUE_DELAY) };
  if (seemsGone(row.lastError)) return { ...row, refreshAt: Math.max(soon, row.nextAttemptAt) };
  return { ...row, nextAttemptAt: Math.min(row.nextAttemptAt, soon), refreshAt: soon };
}
