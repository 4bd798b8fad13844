import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { LabelId } from '../model/ids.ts';
import type { FullSyncProgress } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { ListingStore } from '../store/listing/listing-store.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { Listing } from './listing-request.ts';

/** What a listing uses of the store. */
export type ListingRoles = MailboxRegistry & ListingStore & LabelStore & FetchingStore;

/**
 * How often a pass over the listing is repeated at most. It is repeated while messages vanish from the listing, because
 * page tokens may then shift and skip a message.
 */
export const MAX_PASSES = 5;

export interface Work {
  readonly deps: ActivityDependencies<ListingRoles>;
  readonly session: GmailSession;
  readonly listing: Listing;
  readonly run: ActivityRun;
  /** The labels that Gmail names, and those that messages carry. */
  readonly labelIds: readonly LabelId[];
  /** Whether a date decides what lies within the scope's limit: then places are not counted. */
  readonly isLimitDated: boolean;
}

export type Step<Name extends FullSyncProgress['step']> = Extract<FullSyncProgress, { step: Name }>;

/** Removes a label that two witnesses found deleted. An empty listing of the label would not remove it everywhere. */
export async function forgetLabel({ deps, listing }: Work, labelId: LabelId | undefined): Promise<void> {
  if (labelId !== undefined) await deps.store.removeLabel({ mailbox: listing.mailbox, labelId, now: deps.clock.now() });
}

/** The fields that every step of a full sync carries. */
export function startOf({
  generation,
  startHistoryId,
  startedAt,
  reconciling,
  earlyReadingsDue,
  isOtherScope,
  repeats = 0,
}: FullSyncProgress) {
  return {
    generation,
    startHistoryId,
    startedAt,
    reconciling,
    repeats,
    ...(earlyReadingsDue === undefined ? {} : { earlyReadingsDue }),
    ...(isOtherScope === undefined ? {} : { isOtherScope }),
  };
}

/** The fields of a pass over the scope's listing that begins at its top. */
export const fromTop = (pass: Pick<Step<'listing'>, 'pass' | 'passHistoryId'>) =>
  ({ step: 'listing', listing: 0, pageToken: null, position: 0, ...pass }) as const;

export async function save(work: Work, progress: FullSyncProgress): Promise<FullSyncProgress> {
  const { mailbox, generation } = work.listing;
  await work.deps.store.saveProgress({ mailbox, generation, progress });
  return progress;
}
