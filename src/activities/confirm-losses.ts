import { MAX_BATCH } from '../gmail/api/gmail-api.ts';
import type { GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import { compareHistoryIds, type LabelId, type MessageId } from '../model/ids.ts';
import { inScope, type Scope } from '../model/settings.ts';
import type { ListedCounts, Suspects } from '../store/listing/listing-store.ts';
import type { EndedListing } from './ended-listing.ts';
import { missingOf, type Totals } from './listing-totals.ts';

/** Up to this many suspects are each checked by a get, whatever the mailbox's size: 500 units. */
const FEW = 25;

/** If there are more, a sample of this many is checked. One that exists after all shows that the listing is wrong. */
const SAMPLE = 10;

/** From this many absent messages on, Gmail's count does not suffice: only a second whole listing or a get of each. */
const MANY = 1_000;

const PAGE = 500;

export interface Question extends EndedListing {
  readonly totals: Totals;
  readonly suspects: Suspects;
  readonly counts: ListedCounts;
  readonly listedBefore: number | null;
}

export interface Losses {
  /** True when every loss has its second witness, apart from the `unanswered` messages. */
  readonly areProven: boolean;
  /** Messages whose gets were inconclusive. They stay as they are. */
  readonly unanswered: readonly MessageId[];
}

export const PROVEN: Losses = { areProven: true, unanswered: [] };

export async function confirmLosses(question: Question): Promise<Losses> {
  const { suspects, deps, counts } = question;
  const { messageIds } = suspects;
  const all = messageIds.length;
  if (all === 0) return PROVEN;
  const { units } = deps.prices;
  const isWorthGets =
    all < MOST_GETS && all * units['messages.get'] <= Math.ceil(counts.messages / PAGE) * units['messages.list'];
  if (all <= FEW) return { areProven: true, unanswered: (await confirmByGets(question, messageIds)).unanswered };
  const sample = await confirmByGets(question, spread(messageIds, SAMPLE));
  if (sample.refuted === 0 && (await isBorneOut(question))) return { areProven: true, unanswered: sample.unanswered };
  if (isWorthGets) return { areProven: true, unanswered: (await confirmByGets(question, messageIds)).unanswered };
  return { areProven: false, unanswered: sample.unanswered };
}

/** The store names at most this many suspects. */
const MOST_GETS = 10_000;

/** Whether another witness agrees with this listing: Gmail's count, or a listing some minutes ago. */
async function isBorneOut({
  session,
  listing,
  run,
  totals,
  suspects,
  counts,
  listedBefore,
}: Question): Promise<boolean> {
  const wasListedTwice = listedBefore !== null && totals.uncounted === 0;
  if (suspects.absent > 0) {
    const isCounted = totals.agree && suspects.absent < MANY;
    if (!isCounted && !(wasListedTwice && suspects.absentBefore === suspects.absent)) return false;
  }
  if (wasListedTwice) return true;
  for (const label of suspects.losing.keys()) {
    const missing = await missingOf({ session, scope: listing.settings.scope, counts, label, signal: run.signal });
    if (missing !== 0) return false;
  }
  return true;
}

/** A sample, spread evenly over the list. */
function spread(ids: readonly MessageId[], count: number): readonly MessageId[] {
  const step = ids.length / count;
  return Array.from({ length: count }, (_, index) => ids[Math.floor(index * step)]).filter((id) => id !== undefined);
}

/**
 * Gets each message in format MINIMAL. A message that exists counts as listed, with its labels. A clear "not found"
 * confirms the listing. A message whose get Gmail refuses stays as it is. After a crash the gets are repeated, which
 * changes nothing.
 *
 * @returns `refuted`: how many messages exist, or have a label, although the listings did not show that; `unanswered`:
 * messages whose gets were inconclusive
 */
async function confirmByGets(
  { deps, session, listing, run, startHistoryId, labels }: EndedListing,
  ids: readonly MessageId[],
): Promise<{ refuted: number; unanswered: readonly MessageId[] }> {
  const { mailbox, generation } = listing;
  let refuted = 0;
  const untold: MessageId[] = [];
  for (let from = 0; from < ids.length; from += MAX_BATCH) {
    const batch = ids.slice(from, from + MAX_BATCH);
    run.progress({ step: 'confirming', confirmed: from });
    const outcomes = await session.batchGet(
      batch.map((id) => ({ kind: 'message', id })),
      'minimal',
      run.signal,
    );
    const fetched: FetchedMessage[] = [];
    const unanswered: MessageId[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const id = batch[index];
      if (outcome.kind === 'fetched') fetched.push(...outcome.messages);
      else if (isOfMailbox(outcome.error.failure)) throw outcome.error;
      else if (outcome.error.failure.kind !== 'not-found' && id !== undefined) unanswered.push(id);
    }
    await deps.store.saveFetched({ mailbox, messages: fetched, format: 'minimal', now: deps.clock.now() });
    const { listed } = await deps.store.correctListing({ mailbox, generation, fetched, unanswered });
    // History reports what changed after the mark.
    const unchanged = fetched.filter((message) => compareHistoryIds(message.historyId, startHistoryId) <= 0);
    untold.push(...unanswered);
    refuted += unchanged.filter(
      (message) => !agrees(message, listed.get(message.id), { scope: listing.settings.scope, labels }),
    ).length;
  }
  return { refuted, unanswered: untold };
}

/**
 * Failures that are about the mailbox, not about the message: the attempt fails, and the next one asks again. A failure
 * of one message does not keep the listing from ending.
 */
const OF_MAILBOX = new Set<GmailFailure['kind']>([
  'rate-limited',
  'consent-revoked',
  'scope-missing',
  'scope-barred',
  'history-expired',
]);

const isOfMailbox = ({ kind }: GmailFailure): boolean => OF_MAILBOX.has(kind);

/**
 * Whether the listings showed what a get shows: the message, if it is in scope, and all its labels, if labels were
 * compared.
 */
function agrees(
  message: FetchedMessage,
  listed: readonly LabelId[] | undefined,
  { scope, labels }: { readonly scope: Scope; readonly labels: EndedListing['labels'] },
): boolean {
  if (listed === undefined) return !inScope(scope, message);
  return labels === 'unread' || message.labelIds.every((label) => listed.includes(label));
}
