import { StoreError } from '../store/engines/store-error.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import { countsOf } from './counts.ts';
import { sessionFor, type ActivityDependencies, type ActivityRun } from './dependencies.ts';
import type { Listing } from './listing-request.ts';
import { makeListing } from './listing.ts';
import type { ListingRoles } from './listing-work.ts';
import type { ListingRequest, ListingResult, MailboxWork } from './requests.ts';

type FullSyncRoles = ListingRoles & WorkStore & SpentUnits;

/**
 * The listing half of a full sync; `fetchSlice` is the other half. It continues from the stored mark, if there is one.
 */
export function fullSync(
  deps: ActivityDependencies<FullSyncRoles>,
  request: ListingRequest,
  run: ActivityRun,
): Promise<ListingResult> {
  return list(deps, { ...request, pin: 'mark' }, run);
}

/**
 * Recovers from a 404 of history: the same listing, from a newly pinned mark. No message is downloaded again: ids and
 * labels are compared by listings (5 units per 500), and only new messages are fetched.
 */
export function recover(
  deps: ActivityDependencies<FullSyncRoles>,
  request: ListingRequest,
  run: ActivityRun,
): Promise<ListingResult> {
  return list(deps, { ...request, pin: 'head' }, run);
}

async function list(
  deps: ActivityDependencies<FullSyncRoles>,
  listing: Listing & MailboxWork,
  run: ActivityRun,
): Promise<ListingResult> {
  const { mailbox, generation } = listing;
  const session = await deps.openSession({
    mailbox,
    lane: 'backfill',
    settings: listing.settings,
    ...sessionFor(listing, run),
  });
  try {
    const historyId = await makeListing(deps, session, listing, run);
    if (historyId === null)
      throw new StoreError({ kind: 'lost' }, `the database of ${mailbox} is ahead of its workflow: it is asked again`);
    return { generation, historyId, ...(await countsOf(deps, mailbox)) };
  } finally {
    await session.flush();
  }
}
