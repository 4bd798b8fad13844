import { planFetch, type PlannedFetch } from '../gmail/fetch-plan.ts';
import type { FetchOutcome, GmailSession, Lane } from '../gmail/gmail-api.ts';
import { GmailError } from '../gmail/gmail-error.ts';
import type { Reading } from '../model/change.ts';
import type { MailboxId, MessageId } from '../model/ids.ts';
import type { MessageFormat } from '../model/settings.ts';
import type { FetchAttempt, PendingMessage } from '../store/mailbox-store.ts';
import { afterFailure, afterStaleReading } from './attempts.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';

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
  let format: MessageFormat | null = null;
  let fetched = 0;
  let exhausted = false;
  let failure: { error: unknown } | null = null;
  const firstUnit = session.unitsSpent();
  // Planned units of the batches in flight. With what was spent they are the slice's; refused calls cost nothing, so they take none of it.
  let underWay = 0;
  const unitsLeft = (): number => fetch.unitBudget - underWay - (session.unitsSpent() - firstUnit);

  const launch = (batch: Batch, format: MessageFormat): void => {
    const flight: Promise<void> = fetchBatch({ deps, session, fetch: { ...fetch, format }, run }, batch)
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
      format = (await deps.store.getMailbox(fetch.mailbox))?.settings.format ?? null;
      if (format !== null) queue.push(...planFetch(fresh, format, deps.prices));
      exhausted = queue.length === 0 && flights.size === 0;
    }
    while (!halted() && format !== null && queue.length > 0 && flights.size < session.width()) {
      const batch = queue.splice(0, affordable(queue.slice(0, session.batchSize()), unitsLeft()));
      for (const planned of batch) underWay += planned.units;
      for (const planned of batch) for (const message of planned.serves) inFlight.add(message.id);
      launch(batch, format);
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

interface Work {
  readonly deps: ActivityDependencies;
  readonly session: GmailSession;
  readonly fetch: FetchRun & { readonly format: MessageFormat };
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

async function saveFailure(work: Work, culprit: Batch, error: GmailError): Promise<void> {
  const now = work.deps.clock.now();
  const attempts = culprit.flatMap((planned) => planned.serves.map((message) => afterFailure(message, error.failure, now))).filter((attempt) => attempt !== null);
  await work.deps.store.saveAttempts({ mailbox: work.fetch.mailbox, attempts, now });
}

async function saveOutcomes(work: Work, batch: Batch, outcomes: readonly FetchOutcome[]): Promise<number> {
  const { deps, fetch } = work;
  const now = deps.clock.now();
  const readings: Reading[] = [];
  const attempts: FetchAttempt[] = [];
  let interruption: GmailError | null = null;
  for (const [index, planned] of batch.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new Error('a batch answered fewer outcomes than it had requests');
    if (outcome.kind === 'fetched') {
      readings.push(...outcome.readings);
      const present = new Set(outcome.readings.map((reading) => reading.id));
      // A thread that came back without a message that it was fetched for: as if that message's own get had said 404.
      for (const message of planned.serves) if (!present.has(message.id)) pushAttempt(attempts, afterFailure(message, { kind: 'not-found' }, now));
      continue;
    }
    for (const message of planned.serves) {
      const attempt = afterFailure(message, outcome.error.failure, now);
      if (attempt === null) interruption = worse(interruption, outcome.error);
      else attempts.push(attempt);
    }
  }
  const { stored, stale } = await deps.store.saveReadings({ mailbox: fetch.mailbox, readings, format: fetch.format, now });
  if (stored > 0) deps.telemetry?.add('tidemark_messages_stored_total', stored, { lane: fetch.lane });
  const staleIds = new Set(stale);
  for (const planned of batch) for (const message of planned.serves) if (staleIds.has(message.id)) attempts.push(afterStaleReading(message, now));
  if (attempts.length > 0) await deps.store.saveAttempts({ mailbox: fetch.mailbox, attempts, now });
  // Rate rejections inside a batch: the pacer has learned, the rows are still pending and due, the next batch takes them.
  if (interruption !== null && interruption.failure.kind !== 'rate-limited') throw interruption;
  return stored;
}

function pushAttempt(attempts: FetchAttempt[], attempt: FetchAttempt | null): void {
  if (attempt !== null) attempts.push(attempt);
}

/** Of two interruptions of one batch, the one that waiting does not mend. */
function worse(a: GmailError | null, b: GmailError): GmailError {
  return a === null || a.failure.kind === 'rate-limited' ? b : a;
}
