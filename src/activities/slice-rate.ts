import type { PriceTable } from '../model/prices.ts';

/** Units of the largest slice: large enough that Temporal's history grows by less than an event per 100 messages. */
const LARGEST_SLICE = 30_000;
/**
 * A minute of the project's quota is cut into at least this many slices, so that mailboxes take turns within seconds
 * even with a small quota.
 */
const SLICES_PER_MINUTE = 30;
type ProjectLimit = Pick<PriceTable, 'projectUnitsPerMinute'>;

/**
 * The part of the quota for slices. The rest absorbs the first second of a busy queue, when the server lets up to twice
 * the rate through.
 */
const BURST_ROOM = 0.95;

/**
 * Units of one slice, the same for every mailbox, so that the rate of starting slices determines the rate of spending
 * units.
 */
export function sliceUnits({ projectUnitsPerMinute }: ProjectLimit): number {
  return Math.max(1, Math.min(LARGEST_SLICE, Math.floor(projectUnitsPerMinute / SLICES_PER_MINUTE)));
}

/** The units a minute that all backfills together may spend. */
export const backfillUnitsPerMinute = ({ projectUnitsPerMinute }: ProjectLimit): number =>
  projectUnitsPerMinute * BURST_ROOM;

/**
 * How many slices may start in a second across all workers without exceeding the project's quota.
 * Temporal's server enforces it:
 * https://typescript.temporal.io/api/interfaces/worker.WorkerOptions#maxtaskqueueactivitiespersecond
 */
export function slicesPerSecond(limit: ProjectLimit): number {
  return backfillUnitsPerMinute(limit) / 60 / sliceUnits(limit);
}
