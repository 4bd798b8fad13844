import type { MailboxId } from '../model/ids.ts';
import type { PriceTable } from '../model/prices.ts';
import type { MailboxRow, MailboxStore } from '../store/mailbox-store.ts';
import { StoreError } from '../store/store-error.ts';
import { waitShown, type ActivityDependencies, type ActivityRun } from './dependencies.ts';
import { fetchPending } from './fetch.ts';
import { listLate } from './list-late.ts';
import type { FetchSliceRequest, FetchSliceResult } from './requests.ts';

/**
 * Units of one slice, the same for every mailbox: the rate at which slices start is then the rate at which units are spent.
 * Large enough that Temporal's history grows by less than an event per 100 messages, and small enough that the queue's rate holds up nobody.
 */
const SLICE_UNITS = 30_000;
/** The server lets up to twice the rate through in the first second of a busy queue. */
const BURST_ROOM = 0.95;

/**
 * How many slices may start in a second, over all workers, so that they spend no more than the project's quota.
 * Temporal's server enforces it: https://typescript.temporal.io/api/interfaces/worker.WorkerOptions#maxtaskqueueactivitiespersecond
 */
export function slicesPerSecond({ projectUnitsPerMinute }: Pick<PriceTable, 'projectUnitsPerMinute'>): number {
  return (projectUnitsPerMinute * BURST_ROOM) / 60 / SLICE_UNITS;
}

/** One slice of a backfill: pending messages, newest first. */
export async function fetchSlice(deps: ActivityDependencies, request: FetchSliceRequest, run: ActivityRun): Promise<FetchSliceResult> {
  const { mailbox } = request;
  const row = await deps.store.getMailbox(mailbox);
  if (row === null) throw new StoreError({ kind: 'lost' }, `the database no longer knows ${mailbox}: it is synchronised anew`);
  if (request.retry !== undefined) await deps.store.retryFailed({ mailbox, now: deps.clock.now() });
  const session = await deps.openSession({ mailbox, lane: 'backfill', onWait: waitShown(run) });
  try {
    const fetch = { mailbox, unitBudget: SLICE_UNITS };
    const { fetched, exhausted } = await fetchPending(deps, session, { ...fetch, lane: 'backfill' }, run);
    // Last of a first full sync; what it finds is fetched at once.
    const late = exhausted ? await listLate(deps, session, row, run) : 0;
    if (late > 0) await fetchPending(deps, session, { ...fetch, lane: 'live' }, run);
    return { ...(await progressOf(deps, row)), fetched: fetched + late, ...(request.retry === undefined ? {} : { retried: request.retry }) };
  } finally {
    await session.flush();
  }
}

async function progressOf({ store, clock }: ActivityDependencies, { id: mailbox, generation }: MailboxRow): Promise<Omit<FetchSliceResult, 'fetched' | 'retried'>> {
  const now = clock.now();
  const { stored, pending, failed, backfill } = await store.countMessages(mailbox, now);
  const row = await store.getMailbox(mailbox);
  const complete = backfill === 0;
  if (complete && row?.generation === generation && row.fullSync?.step === 'fetching') {
    await store.saveProgress({ mailbox, generation, progress: { ...row.fullSync, step: 'done', finishedAt: now } });
  }
  const next = await nextAttemptAt(store, { mailbox, now, relistAt: row?.relistAt ?? null });
  // The live lane may take over the last rows between two of these reads: then this lane looks once more.
  return { stored, pending, failed, generation, complete, nextAttemptAt: next ?? (complete ? null : now) };
}

/** When the lane has work again: at once while rows are due (the budget ended), else when the next attempt or the late listing is. */
async function nextAttemptAt(store: MailboxStore, { mailbox, now, relistAt }: { mailbox: MailboxId; now: number; relistAt: number | null }): Promise<number | null> {
  const [due] = await store.nextPending({ mailbox, lane: 'backfill', limit: 1, now });
  if (due !== undefined) return now;
  const times = [await store.nextAttemptAt({ mailbox, lane: 'backfill', now }), relistAt].filter((time) => time !== null);
  return times.length === 0 ? null : Math.min(...times);
}
