import type { FetchedMessage } from '../model/change.ts';
import { compareHistoryIds, type LabelId, type MessageId } from '../model/ids.ts';
import { inScope, type Scope } from '../model/settings.ts';
import type { ListedCounts, Suspects } from '../store/listing/listing-store.ts';
import { isOfMailbox, messageRequests, minimalGets } from './batched-gets.ts';
import type { WholeListing } from './whole-listing.ts';
import { missingOf, type Totals } from './listing-totals.ts';

/** Up to this many suspects are each checked by a get, whatever the mailbox's size: 500 units. */
const FEW = 25;

/** If there are more, a sample of this many is checked first. */
const SAMPLE = 10;

/** From this many absent messages on, Gmail's count does not suffice: it must agree with two listings. */
const MANY = 1_000;

/** The store names at most this many suspects. */
const MOST_GETS = 10_000;

const PAGE = 500;

export interface LossQuestion extends WholeListing {
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

export async function confirmLosses(question: LossQuestion): Promise<Losses> {
  const { messageIds } = question.suspects;
  if (messageIds.length === 0) return PROVEN;
  if (messageIds.length <= FEW) return provenByGets(question, messageIds);
  const some = spread(messageIds, SAMPLE);
  const sample = await confirmByGets(question, some);
  const witness = sample.refuted === 0 ? await otherWitness(question) : 'none';
  if (witness === 'agrees') return { areProven: true, unanswered: sample.unanswered };
  if (witness === 'later' || !isWorthGets(question, sample.refuted))
    return { areProven: false, unanswered: sample.unanswered };
  const sampled = new Set(some);
  const rest = messageIds.filter((id) => !sampled.has(id));
  return provenByGets(question, rest, sample.unanswered);
}

/**
 * Gets the suspects in `ids`. After that, no loss is unproven, except those of suspects whose gets were inconclusive,
 * now or before (`leftOpen`).
 */
async function provenByGets(
  question: LossQuestion,
  ids: readonly MessageId[],
  leftOpen: readonly MessageId[] = [],
): Promise<Losses> {
  const { unanswered } = await confirmByGets(question, ids);
  return { areProven: true, unanswered: [...leftOpen, ...unanswered] };
}

/**
 * Whether a get of every suspect is worth its price. If most of the sample exists, Gmail left out a page or a whole
 * listing. Then the gets are made only if they cost no more than another listing.
 */
function isWorthGets({ suspects, deps, counts }: LossQuestion, refuted: number): boolean {
  const all = suspects.messageIds.length;
  if (all >= MOST_GETS) return false;
  const { units } = deps.prices;
  const listing = Math.ceil(counts.messages / PAGE) * units['messages.list'];
  return refuted <= SAMPLE / 2 || all * units['messages.get'] <= listing;
}

/** `later`: the next listing will be the second witness. `none`: only gets can decide. */
type OtherWitness = 'agrees' | 'later' | 'none';

/**
 * Whether Gmail's count agrees with this listing. A second listing is not enough of a witness by itself: a message that
 * Gmail leaves out of listings stays left out for days. Only an exact count shows that no message is missing. No count
 * is exact while mail comes and goes, or in a scope with an age.
 */
async function otherWitness(question: LossQuestion): Promise<OtherWitness> {
  const { session, listing, run, totals, suspects, counts, listedBefore } = question;
  if (suspects.messageIds.length >= MOST_GETS) return listedTwice(question) ? 'agrees' : 'later';
  if (!totals.agree) return 'none';
  for (const label of suspects.losing.keys()) {
    const missing = await missingOf({ session, scope: listing.settings.scope, counts, label, signal: run.signal });
    if (missing !== 0) return 'none';
  }
  if (suspects.absent < MANY) return 'agrees';
  return listedBefore !== null && suspects.absentBefore === suspects.absent ? 'agrees' : 'later';
}

/**
 * Whether two listings agree, and no count contradicts them. This has to suffice for more suspects than the store names
 * one by one.
 */
const listedTwice = ({ totals, suspects, listedBefore }: LossQuestion): boolean =>
  listedBefore !== null && totals.uncounted === 0 && suspects.absentBefore === suspects.absent;

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
  { deps, session, listing, run, startHistoryId, labels }: WholeListing,
  ids: readonly MessageId[],
): Promise<{ refuted: number; unanswered: readonly MessageId[] }> {
  const { mailbox, generation } = listing;
  let refuted = 0;
  const inconclusive: MessageId[] = [];
  let confirmed = 0;
  run.progress({ step: 'confirming', confirmed });
  for await (const answers of minimalGets(session, messageRequests(ids), run.signal)) {
    const fetched: FetchedMessage[] = [];
    const unanswered: MessageId[] = [];
    for (const { request, outcome } of answers) {
      if (outcome.kind === 'fetched') fetched.push(...outcome.messages);
      else if (isOfMailbox(outcome.error.failure)) throw outcome.error;
      else if (outcome.error.failure.kind !== 'not-found') unanswered.push(request.id);
    }
    await deps.store.saveFetched({ mailbox, messages: fetched, format: 'minimal', now: deps.clock.now() });
    const { listed } = await deps.store.correctListing({ mailbox, generation, fetched });
    // History reports what changed after the mark.
    const unchanged = fetched.filter((message) => compareHistoryIds(message.historyId, startHistoryId) <= 0);
    inconclusive.push(...unanswered);
    refuted += unchanged.filter(
      (message) => !agrees(message, listed.get(message.id), { scope: listing.settings.scope, labels }),
    ).length;
    confirmed += answers.length;
    run.progress({ step: 'confirming', confirmed });
  }
  return { refuted, unanswered: inconclusive };
}

/**
 * Whether the listings showed what a get shows: the message, if it is in scope, and all its labels, if labels were
 * compared.
 */
function agrees(
  message: FetchedMessage,
  listed: readonly LabelId[] | undefined,
  { scope, labels }: { readonly scope: Scope; readonly labels: WholeListing['labels'] },
): boolean {
  if (listed === undefined) return !inScope(scope, message);
  return labels === 'unread' || message.labelIds.every((label) => listed.includes(label));
}
