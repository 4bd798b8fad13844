import type { FetchOutcome } from '../gmail/api/gmail-api.ts';
import type { GmailError } from '../gmail/api/gmail-error.ts';
import type { PlannedFetch } from '../gmail/quota/fetch-plan.ts';
import type { FetchedMessage } from '../model/change.ts';
import type { MessageFormat } from '../model/settings.ts';
import type { FailedFetch, PendingMessage } from '../store/fetching/fetching-store.ts';
import { afterFailure, afterNoRaw, type SeemsGone } from './failed-fetches.ts';
import { sortByPlausibility } from './sort-by-plausibility.ts';
import { afterRawless, isRefusal, type Rawless } from './raw-substitute.ts';

type Fetched = Extract<FetchOutcome, { kind: 'fetched' }>;

/** What a batch's outcomes mean for its messages. */
export interface SortedOutcomes {
  /** Messages to store as they were answered. */
  readonly fetched: FetchedMessage[];
  /** RAW answers, whose attachments complete a body that is held already. */
  readonly raws: { readonly message: PendingMessage; readonly raw: FetchedMessage }[];
  /** Messages that Gmail gave no raw of: their FULL form stands in. */
  readonly rawless: Rawless[];
  readonly failedFetches: (FailedFetch | SeemsGone)[];
  /** The worst failure that says nothing about a single message; null when there was none. */
  interruption: GmailError | null;
}

/** Sorts the outcomes of a batch by what is to be done with them. Pure. */
export function sortOutcomes(
  batch: readonly PlannedFetch<PendingMessage>[],
  outcomes: readonly FetchOutcome[],
  { format, now }: { readonly format: MessageFormat; readonly now: number },
): SortedOutcomes {
  const sorted: SortedOutcomes = { fetched: [], raws: [], rawless: [], failedFetches: [], interruption: null };
  for (const [index, planned] of batch.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new Error('a batch answered fewer outcomes than it had requests');
    if (outcome.kind === 'failed') sortFailure(sorted, planned, outcome.error, { format, now });
    else if (planned.completes) sortRaws(sorted, planned, outcome);
    else sortFetched(sorted, planned, outcome, now);
  }
  return sorted;
}

function sortFailure(
  sorted: SortedOutcomes,
  { serves, completes }: PlannedFetch<PendingMessage>,
  error: GmailError,
  { format, now }: { readonly format: MessageFormat; readonly now: number },
): void {
  const { failure } = error;
  const isOfRaw = format === 'raw' && !completes && isRefusal(failure);
  for (const message of serves) {
    const failedFetch = afterFailure(message, failure, now);
    if (failedFetch === null) sorted.interruption = worse(sorted.interruption, error);
    else if (isOfRaw && message.standsIn) sorted.failedFetches.push(afterNoRaw(message, failure, now));
    else if (isOfRaw && failedFetch.state === 'failed')
      sorted.rawless.push({ message, refusal: { failure, failedFetch } });
    else sorted.failedFetches.push(failedFetch);
  }
}

function sortRaws({ raws }: SortedOutcomes, { serves }: PlannedFetch<PendingMessage>, { messages }: Fetched): void {
  for (const message of serves) raws.push(...messages.map((raw) => ({ message, raw })));
}

function sortFetched(
  sorted: SortedOutcomes,
  { serves }: PlannedFetch<PendingMessage>,
  outcome: Fetched,
  now: number,
): void {
  const [message] = serves;
  const rawless = outcome.messages.find(({ lacks }) => lacks === 'raw');
  if (rawless !== undefined && message !== undefined) {
    const next = afterRawless(message, rawless, now);
    if (next === 'stands-in') sorted.rawless.push({ message, refusal: null });
    else pushFailed(sorted, next);
    return;
  }
  const { believed, failures } = sortByPlausibility(serves, outcome);
  sorted.fetched.push(...believed);
  const present = new Set(believed.map(({ id }) => id));
  // A thread that lacks a message it was fetched for counts as a 404 of that message.
  for (const absent of serves.filter(({ id }) => !present.has(id)))
    pushFailed(sorted, afterFailure(absent, failures.get(absent.id) ?? { kind: 'not-found' }, now));
}

function pushFailed({ failedFetches }: SortedOutcomes, failedFetch: FailedFetch | SeemsGone | null): void {
  if (failedFetch !== null) failedFetches.push(failedFetch);
}

/** The worse of two interruptions of a batch: the one that waiting does not cure. */
export function worse(a: GmailError | null, b: GmailError): GmailError {
  return a === null || a.failure.kind === 'rate-limited' ? b : a;
}
