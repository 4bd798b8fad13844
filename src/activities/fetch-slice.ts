import { StoreError } from '../store/store-error.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { fetchPending } from './fetch.ts';
import type { FetchSliceRequest, FetchSliceResult } from './requests.ts';

/**
 * Units of one slice, the same for every mailbox: the rate at which slices start is then the rate at which units are spent.
 * Large enough that Temporal's history grows by less than an event per 100 messages.
 */
const SLICE_UNITS = 30_000;

/** One slice of a backfill: pending messages, newest first. */
export async function fetchSlice(deps: ActivityDependencies, request: FetchSliceRequest, run: ActivityRun): Promise<FetchSliceResult> {
  const { store, clock } = deps;
  const { mailbox } = request;
  const row = await store.getMailbox(mailbox);
  if (row === null) throw new StoreError({ kind: 'lost' }, `the database no longer knows ${mailbox}: it is synchronised anew`);
  const session = await deps.openSession({ mailbox, lane: 'backfill' });
  try {
    const { fetched } = await fetchPending(deps, session, { mailbox, lane: 'backfill', format: row.settings.format, unitBudget: SLICE_UNITS }, run);
    const now = clock.now();
    const { stored, pending, failed, backfill } = await store.countMessages(mailbox, now);
    const complete = backfill === 0;
    if (complete && row.fullSync?.step === 'fetching') {
      await store.saveProgress({ mailbox, generation: row.generation, progress: { ...row.fullSync, step: 'done', finishedAt: now } });
    }
    return { stored, pending, failed, generation: row.generation, fetched, complete, nextAttemptAt: await nextAttemptAt(deps, request, complete ? null : now, now) };
  } finally {
    await session.flush();
  }
}

/** When the lane has work again: at once while pending rows are due (the budget ended), else when the next attempt is. */
async function nextAttemptAt(deps: ActivityDependencies, { mailbox }: FetchSliceRequest, dueNow: number | null, now: number): Promise<number | null> {
  const [due] = await deps.store.nextPending({ mailbox, lane: 'backfill', limit: 1, now });
  if (due !== undefined) return now;
  return (await deps.store.nextAttemptAt({ mailbox, lane: 'backfill', now })) ?? dueNow;
}
