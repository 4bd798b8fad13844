import { planFetch, type FetchTarget, type PlannedFetch } from '../gmail/quota/fetch-plan.ts';
import type { Lane } from '../model/lane.ts';
import type { FetchOutcome, GmailSession } from '../gmail/api/gmail-api.ts';
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
  /** Quota units that the batches may cost together. */
  readonly unitBudget: number;
}

export interface FetchSummary {
  readonly fetched: number;
  /** True when no due work is left. */
  readonly exhausted: boolean;
}

type Batch = readonly PlannedFetch<PendingMessage>[];

/** How many pending messages are read ahead of the batches in flight. */
const READ_AHEAD = 500;

/**
 * Fetches the due messages of a lane. The pending rows are the work list. Each batch is stored in one transaction as it
 * arrives, so a crash loses only the batches in flight, and an overlapping attempt at worst fetches a batch twice and
 * stores the same rows.
 */
export async function fetchPending(
  deps: ActivityDependencies,
  session: GmailSession,
  fetch: FetchRun,
  run: ActivityRun,
): Promise<FetchSummary> {
  const { clock } = deps;
  const flights = new Set<Promise<void>>();
  const inFlight = new Set<MessageId>();
  const queue: PlannedFetch<PendingMessage>[] = [];
  // Read with each part of the work list: once the settings' format changes, answers in the old format are useless.
  let target: FetchTarget | null = null;
  let fetched = 0;
  let exhausted = false;
  let failure: { error: unknown } | null = null;
  const firstUnit = session.unitsSpent();
  // Planned units of the batches in flight, which count against the budget beside the units spent. Refused calls cost
  // nothing.
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
      const pending = await deps.store.nextPending({
        mailbox: fetch.mailbox,
        lane: fetch.lane,
        limit: inFlight.size + READ_AHEAD,
        now: clock.now(),
      });
      const fresh = pending.filter((message) => !inFlight.has(message.id));
      target = targetOf(await deps.store.getMailbox(fetch.mailbox));
      if (target !== null) queue.push(...planFetch(fresh, target, deps.prices));
      exhausted = queue.length === 0 && flights.size === 0;
    }
    while (
      !halted() &&
      target !== null &&
      queue.length > 0 &&
      flights.size < session.width() &&
      (underWay === 0 || underWay < BATCHES_AHEAD * batchUnits)
    ) {
      const batch = queue.splice(
        0,
        affordable(alike(queue.slice(0, session.batchSize())), Math.min(unitsLeft(), batchUnits)),
      );
      for (const planned of batch) underWay += planned.units;
      for (const planned of batch) for (const message of planned.serves) inFlight.add(message.id);
      launch(batch, target);
    }
    if (flights.size === 0) break;
    await Promise.race(flights);
  }
  run.signal.throwIfAborted();
  // Everything that arrived is stored, so the activity's retry begins where this attempt ended.
  if (failure !== null) throw (failure as { error: unknown }).error;
  return { fetched, exhausted };
}

/** How many of the first fetches fit into the budget; at least one, even if it exceeds the budget. */
function affordable(batch: Batch, budget: number): number {
  let units = 0;
  const beyond = batch.findIndex((planned) => (units += planned.units) > budget);
  return beyond === -1 ? batch.length : Math.max(1, beyond);
}

/** Completions hold whole messages in memory, so a batch of them has at most this many bytes, or one message. */
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

/** Bytes that a batch of completions brings. The size of other messages is not known yet and counts as 0. */
function bytesOf(batch: Batch): number {
  return batch
    .filter(({ completes }) => completes)
    .reduce((sum, { serves }) => sum + serves.reduce((size, message) => size + message.sizeEstimate, 0), 0);
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
 * Fetches one batch. When the whole batch fails although Gmail answers other calls, one of its messages is the culprit:
 * the batch is halved until the culprit is alone and all others are stored. An outage fails the activity and counts
 * against no message.
 *
 * @returns how many messages were stored
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
  // Every part was refused, so Gmail probably refuses the mailbox. Then it refuses the profile as well, and this
  // throws.
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
  return (
    outcome.kind === 'failed' &&
    (outcome.error.failure.kind === 'refused' || outcome.error.failure.kind === 'mailbox-unavailable')
  );
}

async function saveFailure(work: Work, culprit: Batch, error: GmailError): Promise<void> {
  const now = work.deps.clock.now();
  const attempts = culprit
    .flatMap((planned) => planned.serves.map((message) => afterFailure(message, error.failure, now)))
    .filter((attempt) => attempt !== null);
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
      // A thread that lacks a message it was fetched for counts as a 404 of that message.
      for (const message of planned.serves)
        if (!present.has(message.id))
          pushAttempt(attempts, afterFailure(message, failures.get(message.id) ?? { kind: 'not-found' }, now));
      continue;
    }
    for (const message of planned.serves) {
      const attempt = afterFailure(message, outcome.error.failure, now);
      if (attempt === null) interruption = worse(interruption, outcome.error);
      else attempts.push(attempt);
    }
  }
  const { stored, stale, lacking } = await deps.store.saveFetched({
    mailbox: fetch.mailbox,
    messages: readings,
    format: fetch.format,
    now,
  });
  const staleIds = new Set(stale);
  for (const planned of batch)
    for (const message of planned.serves) if (staleIds.has(message.id)) attempts.push(afterStaleReading(message, now));
  await saveAttempts(
    work,
    batch.flatMap(({ serves }) => serves),
    attempts,
  );
  let completed = 0;
  if (substituted.length > 0) {
    const substitutes = await fetchSubstitutes(work, substituted);
    completed += substitutes.stored;
    for (const error of substitutes.interruptions) interruption = worse(interruption, error);
  }
  for (const { message, raw } of raws)
    completed += await complete(work, message, (completing) => completeByRaw(completing, message, raw));
  const fresh = readings.filter((reading) => lacking.includes(reading.id) && isCheaperByIds(reading, deps.prices));
  for (const reading of fresh) completed += await completeFresh(work, reading);
  if (stored + completed > 0)
    deps.telemetry?.add('tidemark_messages_stored_total', stored + completed, { lane: fetch.lane });
  // After rate rejections inside a batch nothing is thrown: the pacer has learned, and the next batch takes the rows,
  // which are still due.
  if (interruption !== null && interruption.failure.kind !== 'rate-limited') throw interruption;
  return stored + completed;
}

/**
 * Stores one message with its attachments in one write; until then its row stays pending. Attachments that Gmail does
 * not give are left out. A failure of the message itself counts against it; any other failure ends the batch.
 */
async function complete(
  work: Work,
  message: PendingMessage,
  read: (completing: Completing) => Promise<Completion>,
): Promise<number> {
  const { deps, session, fetch, run } = work;
  const { store, clock } = deps;
  const { mailbox } = fetch;
  try {
    const { reading, missing } = await read({ store, session, mailbox, signal: run.signal });
    const { stored, stale } = await store.saveFetched({
      mailbox,
      messages: [reading],
      format: 'full',
      now: clock.now(),
    });
    if (missing !== null && stale.length === 0)
      await store.saveAttempts({
        mailbox,
        attempts: [afterMissing({ ...message, historyId: reading.historyId }, missing, clock.now())],
        now: clock.now(),
      });
    if (stale.length > 0)
      await store.saveAttempts({ mailbox, attempts: [afterStaleReading(message, clock.now())], now: clock.now() });
    return stored;
  } catch (error) {
    if (!(error instanceof GmailError)) throw error;
    const attempt = afterFailure(message, error.failure, clock.now());
    // This includes a rate refusal that outlasted the session's patience: the row is still due, and taken at once it
    // would be refused again.
    if (attempt === null) throw error;
    await saveAttempts(work, [message], [attempt]);
    return 0;
  }
}

/**
 * Completes a message right after its get, by the attachment ids that the get named. If that fails, the next round's
 * RAW get completes it: the row is pending and its body held.
 */
async function completeFresh({ deps, session, fetch, run }: Work, reading: FetchedMessage): Promise<number> {
  try {
    return await session.holding(
      reading.sizeEstimate,
      async () => {
        const completion = await completeByIds({ session, signal: run.signal }, reading);
        const { mailbox } = fetch;
        const { stored } = await deps.store.saveFetched({
          mailbox,
          messages: [completion.reading],
          format: 'full',
          now: deps.clock.now(),
        });
        const attempts =
          completion.missing === null
            ? []
            : [
                afterMissing(
                  { ...completion.reading, attempts: 0, lastError: null },
                  completion.missing,
                  deps.clock.now(),
                ),
              ];
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

/** The worse of two interruptions of a batch: the one that waiting does not cure. */
function worse(a: GmailError | null, b: GmailError): GmailError {
  return a === null || a.failure.kind === 'rate-limited' ? b : a;
}
