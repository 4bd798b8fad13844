import type { ListingStore } from './listing-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import { parseFullSync } from '../rows/mailbox-rows.ts';
import type { FullSyncProgress } from '../rows/mailbox-row.ts';
import { withMailbox, type MailboxTransaction } from '../engines/mailbox-transaction.ts';
import { setScopeFloor, settleFloor } from '../rows/scope-floor.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** See {@link ListingStore.saveProgress}. */
export function saveProgress(database: StoreDatabase, request: RequestOf<ListingStore, 'saveProgress'>): Promise<void> {
  return withMailbox(database, request.mailbox, async (locked) => {
    const saved = await saveStep(locked, request.generation, request.progress);
    if (!saved || request.progress.step !== 'done') return;
    const { finishedAt } = request.progress;
    await setScopeFloor(database, locked, { now: finishedAt });
    await settleFloor(database, locked, request.progress, finishedAt);
  });
}

/**
 * Saves progress, unless it is of another generation, or leads back to an earlier pass, or before the end of a listing
 * that has ended. An abandoned attempt may still be listing. A page that it saves after the end would undo what the end
 * has decided, and the positions of an earlier pass differ from those of this one.
 */
export async function saveStep(
  locked: MailboxTransaction,
  generation: number,
  progress: FullSyncProgress,
): Promise<boolean> {
  const stored = parseFullSync(locked.columns);
  if (stored === null || generation !== locked.columns.generation || progress.generation !== generation) return false;
  const isOver = progress.step === 'done' || (progress.step === 'fetching' && stored.step !== 'done');
  if (hasEnded(stored) ? !isOver : isOfEarlierPass(progress, stored)) return false;
  const text = JSON.stringify(progress);
  if (text !== locked.columns.full_sync) await locked.updateMailbox({ full_sync: text });
  return true;
}

function isOfEarlierPass(progress: FullSyncProgress, stored: FullSyncProgress): boolean {
  const [repeats, before] = [progress.repeats ?? 0, stored.repeats ?? 0];
  return repeats < before || (repeats === before && passOf(progress) < passOf(stored));
}

/** The pass that a step belongs to. What follows the last pass is later than any. */
const passOf = (progress: FullSyncProgress): number =>
  progress.step === 'listing' || progress.step === 'label-listing' ? progress.pass : Number.POSITIVE_INFINITY;

/** Whether this generation's listing is still under way. What an abandoned attempt brings after the end is ignored. */
export function isListingOf({ columns }: MailboxTransaction, generation: number): boolean {
  const stored = parseFullSync(columns);
  return stored !== null && generation === columns.generation && !hasEnded(stored);
}

/** Whether the listing of a full sync has ended. */
export const hasEnded = ({ step }: FullSyncProgress): boolean => step === 'fetching' || step === 'done';
