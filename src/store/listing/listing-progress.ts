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
  if (hasEnded(stored) ? !isOver : isEarlier(progress, stored)) return false;
  const text = JSON.stringify(progress);
  if (text !== locked.columns.full_sync) await locked.updateMailbox({ full_sync: text });
  return true;
}

/** Whether a step belongs to an earlier pass than another, or comes before it within the pass. */
export function isEarlier(step: FullSyncProgress, other: FullSyncProgress): boolean {
  const [place, before] = [placeOf(step), placeOf(other)];
  const index = place.findIndex((value, at) => value !== before[at]);
  return index >= 0 && (place[index] ?? 0) < (before[index] ?? 0);
}

const STEPS: readonly FullSyncProgress['step'][] = [
  'listing',
  'label-listing',
  'reading-labels',
  'confirming',
  'fetching',
  'done',
];

/** A step without a pass follows the last one. The workers of former builds saved such steps. */
const placeOf = (progress: FullSyncProgress): readonly number[] => [
  progress.repeats ?? 0,
  'pass' in progress && progress.pass !== undefined ? progress.pass : Number.POSITIVE_INFINITY,
  STEPS.indexOf(progress.step),
];

/** Whether this generation's listing is still under way. What an abandoned attempt brings after the end is ignored. */
export function isListingOf({ columns }: MailboxTransaction, generation: number): boolean {
  const stored = parseFullSync(columns);
  return stored !== null && generation === columns.generation && !hasEnded(stored);
}

/** Whether the listing of a full sync has ended. */
export const hasEnded = ({ step }: FullSyncProgress): boolean => step === 'fetching' || step === 'done';
