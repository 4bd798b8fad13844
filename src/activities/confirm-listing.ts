import type { MessageId } from '../model/ids.ts';
import type { Doubt } from '../store/rows/mailbox-row.ts';
import type { FinishListingRequest, Suspects } from '../store/listing/listing-store.ts';
import { confirmLosses, PROVEN, type Losses, type LossQuestion } from './confirm-losses.ts';
import type { WholeListing } from './whole-listing.ts';
import { labelsToList } from './list-ids.ts';
import { APART, areLabelsDecided, isCountDecided, nextDoubt } from './listing-doubt.ts';
import { compareLabels, compareTotals, type LabelTotals, type Totals } from './listing-totals.ts';

/**
 * `repeat`: Gmail counts more messages than it listed. `ended`: what the end of the listing may treat as a fact, and
 * the messages whose gets were inconclusive.
 */
export type ListingVerdict =
  | { readonly kind: 'repeat' }
  | ({ readonly kind: 'ended'; readonly doubt: Doubt | null; readonly unanswered: readonly MessageId[] } & Required<
      Pick<FinishListingRequest, 'absence' | 'doubtedLabels'>
    >);

/**
 * Decides what the end of a listing may destroy: messages that the listing did not show, and labels of messages that
 * the label's own listing did not show. A single answer of Gmail may be wrong: a page may be empty or lack its token,
 * and a message may be missing from every listing for days. So each loss needs a second witness, the cheapest
 * available:
 * - a MINIMAL get of each suspect, if they are few;
 * - Gmail's count, if it is exactly the number listed, and a sample of gets; for thousands of suspects, a second
 *   listing some minutes later must lack them, too;
 * - a MINIMAL get of each suspect otherwise, unless a sample shows that the listing is broken.
 *
 * A loss without a second witness is not applied. The mailbox shows the doubt, and a relisting follows.
 */
export async function confirmListing(ended: WholeListing): Promise<ListingVerdict> {
  const { deps, listing, reconciling, mayRepeat } = ended;
  const { mailbox, generation } = listing;
  const counts = await deps.store.countListed({ mailbox, generation });
  const isWhole = reconciling || listing.settings.scope.limit === null;
  const totals = isWhole
    ? await compareTotals({
        session: ended.session,
        scope: listing.settings.scope,
        counts,
        // The counts include what any pass listed, so changes since before the first pass can affect them.
        since: ended.startHistoryId,
        moved: ended.moved,
        signal: ended.run.signal,
      })
    : NOT_COMPARED;
  if (totals.uncounted > 0 && mayRepeat) return { kind: 'repeat' };
  const before = (await deps.store.getMailbox(mailbox))?.doubt ?? null;
  if (!reconciling)
    return verdict(ended, before, { totals, underLabels: LABELS_AGREE, suspects: NO_SUSPECTS, losses: PROVEN });

  const underLabels = await compareLabelListings(ended, counts);
  const listedBefore = before !== null && before.checkedAt <= deps.clock.now() - APART ? before.checkedAt : null;
  const suspects = await deps.store.findSuspects({ mailbox, generation, labels: ended.labels, listedBefore });
  return verdict(ended, before, {
    totals,
    underLabels,
    suspects,
    losses: await confirmLosses({ ...ended, totals, suspects, counts, listedBefore }),
  });
}

const NO_SUSPECTS: Suspects = { absent: 0, absentBefore: 0, relabelled: 0, losing: new Map(), messageIds: [] };

const NOT_COMPARED: Totals = { agree: false, uncounted: 0, isUndecided: false };

const LABELS_AGREE: LabelTotals = { missing: 0, isUndecided: false };

/**
 * Compares the labels' listings. The comparison of totals has covered the scope's own labels, unless the scope has an
 * age.
 */
async function compareLabelListings(
  { session, listing, run, labels, labelIds, startHistoryId }: WholeListing,
  counts: LossQuestion['counts'],
): Promise<LabelTotals> {
  const { scope } = listing.settings;
  if (labels === 'unread') return LABELS_AGREE;
  return await compareLabels(
    { session, scope, counts, since: startHistoryId, signal: run.signal },
    scope.after === null ? labelsToList(scope, labelIds) : [...scope.labelIds, ...labelsToList(scope, labelIds)],
  );
}

function verdict(
  { deps, reconciling }: WholeListing,
  before: Doubt | null,
  found: { totals: Totals; underLabels: LabelTotals; suspects: Suspects; losses: Losses },
): ListingVerdict {
  const { totals, underLabels, suspects, losses } = found;
  const { areProven, unanswered } = losses;
  const absence = areProven ? 'proven' : 'doubted';
  const doubtedLabels = areProven ? [] : [...suspects.losing.keys()];
  // After a first full sync, the relisting follows in any case.
  const mayEnd = before === null && !reconciling ? totals.uncounted === 0 : isCountDecided(totals, before);
  const labelsMayEnd = areLabelsDecided(underLabels, before, deps.clock.now());
  if (areProven && unanswered.length === 0 && mayEnd && labelsMayEnd)
    return { kind: 'ended', absence, doubtedLabels, unanswered, doubt: null };
  const open = areProven
    ? { absent: unanswered.length, relabelled: 0 }
    : { absent: suspects.absent, relabelled: suspects.relabelled };
  return {
    kind: 'ended',
    absence,
    doubtedLabels,
    unanswered,
    doubt: nextDoubt(
      before,
      { uncounted: totals.uncounted, ...open, ...(labelsMayEnd ? {} : { underLabels: underLabels.missing }) },
      deps.clock.now(),
    ),
  };
}
