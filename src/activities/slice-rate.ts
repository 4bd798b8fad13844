import type { PriceTable } from '../model/prices.ts';

/** Units of the largest slice: large enough that Temporal's history grows by less than an event per 100 messages. */
const LARGEST_SLICE = 30_000;
/**
 * A minute of the project's quota is cut into at least this many slices, so that mailboxes take turns within seconds
 * even with a small quota.
 */
const SLICES_PER_MINUTE = 30;
/** Small slices are this many times smaller, unless that is below {@link LEAST_SMALL}. */
const SMALL_TIMES = 30;
/** A small slice still brings some 25 messages, so that a small mailbox takes few of them. */
const LEAST_SMALL = 500;
/** The part of the slices' quota at which small slices may start. */
const SMALL_PART = 0.5;
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

/**
 * Units of a small slice: one that begins when little is left to fetch. Many mailboxes are small, and in the queue of
 * the other slices each would use up a slice of full size.
 */
export function smallSliceUnits(limit: ProjectLimit): number {
  const units = sliceUnits(limit);
  return Math.min(units, Math.max(LEAST_SMALL, Math.floor(units / SMALL_TIMES)));
}

/** How many small slices may start in a second across all workers, beside the others. */
export function smallSlicesPerSecond(limit: ProjectLimit): number {
  return (backfillUnitsPerMinute(limit) * SMALL_PART) / 60 / smallSliceUnits(limit);
}
