import { planFetch, type FetchTarget, type PlannedFetch } from '../gmail/quota/fetch-plan.ts';
import type { FetchOutcome, GmailSession, Lane } from '../gmail/api/gmail-api.ts';
import { GmailError, type GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import type { MailboxId, MessageId } from '../model/ids.ts';
import { wantsAttachments } from '../model/settings.ts';
import type { FetchAttempt, PendingMessage } from '../store/fetching/fetching-store.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import { afterFailure, afterMissing, afterStaleReading } from './attempts.ts';
import { completeByIds, completeByRaw, isCheaperByIds, type Completing, type Completion } from './complete-message.ts';
import { BATCHES_AHEAD, batchUnitsOf } from './batch-units.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { sortReadings } from './doubted-readings.ts';
import { afterRawless, fetchSubstitutes } from './raw-substitute.ts';
import { saveAttempts } from './save-attempts.ts';

export interface FetchRun {
  readonly mailbox: MailboxId;
  readonly lane: Lane;
  /** Quota units that the batches may cost. */
  readonly unitBudget: number;
}

export interface FetchSummary {
  readonly fetched: number;
  /** True when nothing that is due is left. */
  readonly exhausted: boolean;
}

type Batch = readonly PlannedFetch<PendingMessage>[];

/** How many pending messages are read ahead of the batches in flight. */
const READ_AHEAD = 500;

/**
 * Fetches what is due in a lane. The pending rows are the work list: each batch is stored in one transaction as it arrives, so a crash loses
 * no more than the batches in flight, and an overlapping attempt at worst fetches a batch twice and stores the same rows.
 */
export async function fetchPending(deps: ActivityDependencies, session: GmailSession, fetch: FetchRun, run: ActivityRun): Promise<FetchSummary> {
  const { clock } = deps;
  const flights = new Set<Promise<void>>();
  const inFlight = new Set<MessageId>();
  const queue: PlannedFetch<PendingMessage>[] = [];
  // Read with each part of the work list: once the settings' format has changed, an answer in the old one is worth nothing.
  let target: FetchTarget | null = null;
  let fetched = 0;
  let exhausted = false;
  let failure: { error: unknown } | null = null;
  const firstUnit = session.unitsSpent();
  // Planned units of the batches in flight. With what was spent they are the slice's; refused calls cost nothing, so they take none of it.
  let underWay = 0;
  const batchUnits = batchUnitsOf(deps.prices);
  const unitsLeft = (): number => fetch.unitBudget - underWay - (session.unitsSpent() - firstUnit);

  const launch = (batch: Batch, target: FetchTarget): void => {
    const work: Work = { deps, session, fetch: { ...fetch, ...target }, run };
    const flight: Promise<void> = session
      .holding(bytesOf(batch), () => fetchBatch(work, batch), run.signal)
      .then((count) => {
        fetched += count;
      })
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        flights.delete(flight);
        for (const planned of batch) underWay -= planned.units;
        for (const planned of batch) for (const message of planned.serves) inFlight.delete(message.id);
        run.progress({ fetched, units: session.unitsSpent() - firstUnit });
      });
    flights.add(flight);
  };

  for (;;) {
    const halted = (): boolean => failure !== null || run.signal.aborted || unitsLeft() <= 0;
    if (!halted() && queue.length === 0) {
      const pending = await deps.store.nextPending({ mailbox: fetch.mailbox, lane: fetch.lane, limit: inFlight.size + READ_AHEAD, now: clock.now() });
      const fresh = pending.filter((message) => !inFlight.has(message.id));
      target = targetOf(await deps.store.getMailbox(fetch.mailbox));
      if (target !== null) queue.push(...planFetch(fresh, target, deps.prices));
      exhausted = queue.length === 0 && flights.size === 0;
    }
    while (!halted() && target !== null && queue.length > 0 && flights.size < session.width() && (underWay === 0 || underWay < BATCHES_AHEAD * batchUnits)) {
      const batch = queue.splice(0, affordable(alike(queue.slice(0, session.batchSize())), Math.min(unitsLeft(), batchUnits)));
      for (const planned of batch) underWay += planned.units;
      for (const planned of batch) for (const message of planned.serves) inFlight.add(message.id);
      launch(batch, target);
    }
    if (flights.size === 0) break;
    await Promise.race(flights);
  }
  run.signal.throwIfAborted();
  // What arrived before is stored: the retry of the activity begins where this attempt ended.
  if (failure !== null) throw (failure as { error: unknown }).error;
  return { fetched, exhausted };
}

/** How many of the first fetches fit into the budget; one at least, which may go beyond it by less than itself. */
function affordable(batch: Batch, budget: number): number {
  let units = 0;
  const beyond = batch.findIndex((planned) => (units += planned.units) > budget);
  return beyond === -1 ? batch.length : Math.max(1, beyond);
}

/** Completions hold whole messages in memory: a batch of them keeps to so many bytes, or to one message. */
const LARGEST_COMPLETION = 4 * 2 ** 20;

/** The first of the fetches that may share a batch. */
function alike(planned: Batch): Batch {
  const completes = planned[0]?.completes === true;
  let bytes = 0;
  const end = planned.findIndex((other, index) => {
    bytes += bytesOf([other]);
    return other.completes !== completes || (index > 0 && bytes > LARGEST_COMPLETION);
  });
  return end === -1 ? planned : planned.slice(0, end);
}

/** What a batch of completions brings; the size of other messages is not known before. */
function bytesOf(batch: Batch): number {
  return batch.filter(({ completes }) => completes).reduce((sum, { serves }) => sum + serves.reduce((size, message) => size + message.sizeEstimate, 0), 0);
}

function targetOf(row: MailboxRow | null): FetchTarget | null {
  return row === null ? null : { format: row.settings.format, attachments: wantsAttachments(row.settings) };
}

interface Work {
  readonly deps: ActivityDependencies;
  readonly session: GmailSession;
  readonly fetch: FetchRun & FetchTarget;
  readonly run: ActivityRun;
}

/**
 * One batch; answers how many messages were stored. When a batch fails whole although Gmail answers otherwise, something in it is the culprit:
 * it is halved until that stands alone and its neighbours are stored. An outage is the activity's failure and counts against no message.
 */
async function fetchBatch(work: Work, batch: Batch): Promise<number> {
  try {
    return await fetchWhole(work, batch);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    if (batch.length > 1) await work.session.getProfile(work.run.signal);
    return await isolate(work, batch, error);
  }
}

async function fetchWhole({ session, fetch, run, ...work }: Work, batch: Batch): Promise<number> {
  const requests = batch.map((planned) => planned.request);
  const outcomes = await session.batchGet(requests, fetch.format, run.signal);
  // Every part refused: rather the mailbox's refusal than so many messages'. Where the mailbox is refused, its profile is, too, and this throws.
  if (outcomes.every(isRefused)) await session.getProfile(run.signal);
  return await saveOutcomes({ session, fetch, run, ...work }, batch, outcomes);
}

async function isolate(work: Work, batch: Batch, failure: GmailError): Promise<number> {
  if (batch.length === 1) {
    await saveFailure(work, batch, failure);
    return 0;
  }
  const middle = Math.ceil(batch.length / 2);
  let stored = 0;
  for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
    try {
      stored += await fetchWhole(work, half);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      stored += await isolate(work, half, error);
    }
  }
  return stored;
}

function isUnavailable(error: unknown): error is GmailError {
  return error instanceof GmailError && error.failure.kind === 'unavailable';
}

function isRefused(outcome: FetchOutcome): boolean {
  return outcome.kind === 'failed' && (outcome.error.failure.kind === 'refused' || outcome.error.failure.kind === 'mailbox-unavailable');
}

async function saveFailure(work: Work, culprit: Batch, error: GmailError): Promise<void> {
  const now = work.deps.clock.now();
  const attempts = culprit.flatMap((planned) => planned.serves.map((message) => afterFailure(message, error.failure, now))).filter((attempt) => attempt !== null);
  await work.deps.store.saveAttempts({ mailbox: work.fetch.mailbox, attempts, now });
}

async function saveOutcomes(work: Work, batch: Batch, outcomes: readonly FetchOutcome[]): Promise<number> {
  const { deps, fetch } = work;
  const now = deps.clock.now();
  const readings: FetchedMessage[] = [];
  const raws: { readonly message: PendingMessage; readonly raw: FetchedMessage }[] = [];
  const substituted: PendingMessage[] = [];
  const attempts: FetchAttempt[] = [];
  let interruption: GmailError | null = null;
  for (const [index, planned] of batch.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new Error('a batch answered fewer outcomes than it had requests');
    const [completed] = planned.serves;
    if (planned.completes && outcome.kind === 'fetched' && completed !== undefined) {
      raws.push(...outcome.readings.map((raw) => ({ message: completed, raw })));
      continue;
    }
    if (outcome.kind === 'fetched') {
      const [message] = planned.serves;
      const rawless = outcome.readings.find(({ lacks }) => lacks === 'raw');
      if (rawless !== undefined && message !== undefined) {
        const next = afterRawless(message, rawless, now);
        if (next === 'stands-in') substituted.push(message);
        else pushAttempt(attempts, next);
        continue;
      }
      const { believed, failures } = sortReadings(planned.serves, outcome);
      readings.push(...believed);
      const present = new Set(believed.map((reading) => reading.id));
      // A thread that came back without a message that it was fetched for: as if that message's own get had said 404.
      for (const message of planned.serves) if (!present.has(message.id)) pushAttempt(attempts, afterFailure(message, failures.get(message.id) ?? { kind: 'not-found' }, now));
      continue;
    }
    for (const message of planned.serves) {
      const attempt = afterFailure(message, outcome.error.failure, now);
      if (attempt === null) interruption = worse(interruption, outcome.error);
      else attempts.push(attempt);
    }
  }
  const { stored, stale, lacking } = await deps.store.saveFetched({ mailbox: fetch.mailbox, messages: readings, format: fetch.format, now });
  const staleIds = new Set(stale);
  for (const planned of batch) for (const message of planned.serves) if (staleIds.has(message.id)) attempts.push(afterStaleReading(message, now));
  await saveAttempts(work, batch.flatMap(({ serves }) => serves), attempts);
  let completed = 0;
  if (substituted.length > 0) {
    const substitutes = await fetchSubstitutes(work, substituted);
    completed += substitutes.stored;
    for (const error of substitutes.interruptions) interruption = worse(interruption, error);
  }
  for (const { message, raw } of raws) completed += await complete(work, message, (completing) => completeByRaw(completing, message, raw));
  const fresh = readings.filter((reading) => lacking.includes(reading.id) && isCheaperByIds(reading, deps.prices));
  for (const reading of fresh) completed += await completeFresh(work, reading);
  if (stored + completed > 0) deps.telemetry?.add('tidemark_messages_stored_total', stored + completed, { lane: fetch.lane });
  // Rate rejections inside a batch: the pacer has learned, the rows are still pending and due, the next batch takes them.
  if (interruption !== null && interruption.failure.kind !== 'rate-limited') throw interruption;
  return stored + completed;
}

/**
 * One message with its attachments, in one write: until then its row stays pending, whatever breaks off. Where Gmail does not give some of them, the rest is stored.
 * What fails about the message itself counts against it; anything else ends the batch.
 */
async function complete(work: Work, message: PendingMessage, read: (completing: Completing) => Promise<Completion>): Promise<number> {
  const { deps, session, fetch, run } = work;
  const { store, clock } = deps;
  const { mailbox } = fetch;
  try {
    const { reading, missing } = await read({ store, session, mailbox, signal: run.signal });
    const { stored, stale } = await store.saveFetched({ mailbox, messages: [reading], format: 'full', now: clock.now() });
    if (missing !== null && stale.length === 0) await store.saveAttempts({ mailbox, attempts: [afterMissing({ ...message, historyId: reading.historyId }, missing, clock.now())], now: clock.now() });
    if (stale.length > 0) await store.saveAttempts({ mailbox, attempts: [afterStaleReading(message, clock.now())], now: clock.now() });
    return stored;
  } catch (error) {
    if (!(error instanceof GmailError)) throw error;
    const attempt = afterFailure(message, error.failure, clock.now());
    // A rate refusal, too, that outlasted the session's patience: the row is still due, and taken up at once it would be refused again and again.
    if (attempt === null) throw error;
    await saveAttempts(work, [message], [attempt]);
    return 0;
  }
}

/** Right after its reading, by its ids. What fails now is left to the RAW get of the next round: the row is pending, and its body held. */
async function completeFresh({ deps, session, fetch, run }: Work, reading: FetchedMessage): Promise<number> {
  try {
    return await session.holding(
      reading.sizeEstimate,
      async () => {
        const completion = await completeByIds({ session, signal: run.signal }, reading);
        const { mailbox } = fetch;
        const { stored } = await deps.store.saveFetched({ mailbox, messages: [completion.reading], format: 'full', now: deps.clock.now() });
        const attempts = completion.missing === null ? [] : [afterMissing({ ...completion.reading, attempts: 0, lastError: null }, completion.missing, deps.clock.now())];
        await deps.store.saveAttempts({ mailbox, attempts, now: deps.clock.now() });
        return stored;
      },
      run.signal,
    );
  } catch (error) {
    if (error instanceof GmailError && concernsMessage(error.failure)) return 0;
    throw error;
  }
}

/** Whether a failure says something about one message; the others are the whole mailbox's. */
function concernsMessage({ kind }: GmailFailure): boolean {
  switch (kind) {
    case 'not-found':
    case 'invalid-request':
    case 'refused':
    case 'mailbox-unavailable':
    case 'unavailable':
    case 'rate-limited':
      return true;
    case 'history-expired':
    case 'consent-revoked':
    case 'scope-missing':
    case 'scope-barred':
      return false;
  }
}

function pushAttempt(attempts: FetchAttempt[], attempt: FetchAttempt | null): void {
  if (attempt !== null) attempts.push(attempt);
}

/** Of two interruptions of one batch, the one that waiting does not mend. */
function worse(a: GmailError | null, b: GmailError): GmailError {
  return a === null || a.failure.kind === 'rate-limited' ? b : a;
}
