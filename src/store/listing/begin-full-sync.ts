import type { ListingStore } from './listing-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import { isSameScope, wantsAttachments, type MailboxSettings } from '../../model/settings.ts';
import { earlyReadingsDue } from '../rows/early-due.ts';
import { parseFullSync, parseSettings } from '../rows/mailbox-rows.ts';
import type { FullSyncProgress } from '../rows/mailbox-row.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { forgetLabelListings } from './label-listings.ts';
import { hasEnded } from './listing-progress.ts';
import { DECIDED_STATES, EXISTING_STATES, UNFETCHED_STATES } from '../rules/message-row.ts';

/**
 * Early readings that are still unsettled this long (ms) after they were due are no longer settled by history: each
 * message is read again by a get.
 */
const FORGOTTEN = 60 * 60_000;

/** See {@link ListingStore.beginFullSync}. */
export function beginFullSync(
  database: StoreDatabase,
  request: RequestOf<ListingStore, 'beginFullSync'>,
): Promise<FullSyncProgress | null> {
  const { mailbox, generation, startHistoryId, now } = request;
  return withMailbox(database, mailbox, async (locked) => {
    if (generation < locked.columns.generation) return null;
    const begun = parseFullSync(locked.columns);
    if (generation === locked.columns.generation && begun !== null) return begun;
    const due = begun === null ? null : earlyReadingsDue(begun);
    const before = parseSettings(locked.columns);
    const { settings: after = before } = request;
    const isOtherScope = !isSameScope(before.scope, after.scope);
    const isRescoped = isOtherScope || (begun?.isOtherScope === true && !hasEnded(begun));
    const progress: FullSyncProgress = {
      generation,
      startHistoryId,
      startedAt: now,
      reconciling: await holdsMessages(locked),
      ...(due === null || due + FORGOTTEN < now ? {} : { earlyReadingsDue: due }),
      ...(isRescoped ? { isOtherScope: true } : {}),
      step: 'listing',
      pass: 0,
      listing: 0,
      pageToken: null,
      position: 0,
      passHistoryId: startHistoryId,
    };
    await forgetLabelListings(locked);
    if (wantsOther(before, after)) await forgetAttempts(locked);
    await locked.updateMailbox({
      generation,
      settings: JSON.stringify(after),
      full_sync: JSON.stringify(progress),
      // A lower bound is replaced by the date of one certain message, which this listing may show elsewhere, or not.
      ...(begun !== null && hasEnded(begun) && begun.isFloorBelow === true
        ? { scope_floor: null, limit_reached: 1 }
        : {}),
      // What listings of another scope left in doubt, or left out, says nothing about this scope.
      ...(isOtherScope ? { doubt: null, limit_reached: 1, scope_floor: null } : {}),
    });
    return progress;
  });
}

/**
 * Whether messages are fetched in another form under `after`. A failure in one form does not predict one in another.
 */
function wantsOther(before: MailboxSettings, after: MailboxSettings): boolean {
  return before.format !== after.format || wantsAttachments(before) !== wantsAttachments(after);
}

/**
 * Makes messages that could not be fetched due at once, as if they had never been tried. Forgets what stored messages
 * lack, so that wanted parts are asked for again.
 */
async function forgetAttempts({ tx, key }: MailboxTransaction): Promise<void> {
  await tx
    .updateTable('messages')
    .set({ state: 'pending', attempts: 0, last_error: null, next_attempt_at: 0 })
    .where('mailbox_key', '=', key)
    .where('lane', 'in', ['live', 'backfill'])
    .where('state', 'in', UNFETCHED_STATES)
    .where('attempts', '>', 0)
    .execute();
  await tx
    .updateTable('messages')
    .set({ lacks: null, lane: null, attempts: 0, last_error: null, next_attempt_at: 0 })
    .where('mailbox_key', '=', key)
    .where('lacks', 'is not', null)
    .where('state', 'in', DECIDED_STATES)
    .execute();
}

/**
 * Whether any row has labels to compare. The labels come from a get, or, for a message that arrived outside the scope,
 * only from history.
 */
async function holdsMessages({ tx, key }: MailboxTransaction): Promise<boolean> {
  for (const state of EXISTING_STATES) {
    const ofState = tx
      .selectFrom('messages')
      .select('id')
      .where('mailbox_key', '=', key)
      .where('state', '=', state)
      .limit(1);
    const held = await (
      state === 'excluded' ? ofState : ofState.where('reading_history_id', 'is not', null)
    ).executeTakeFirst();
    if (held !== undefined) return true;
  }
  return false;
}
