import type { PriceTable } from '../model/prices.ts';

/** Large enough that Temporal's history grows by less than an event per 100 messages. */
const LARGEST_SLICE = 30_000;
/** Slices that a minute of the project's quota is cut into at least, so that mailboxes take turns within seconds also where it is small. */
const SLICES_PER_MINUTE = 30;
type ProjectLimit = Pick<PriceTable, 'projectUnitsPerMinute'>;

/** The server lets up to twice the rate through in the first second of a busy queue. */
const BURST_ROOM = 0.95;

/** Units of one slice, the same for every mailbox: the rate at which slices start is then the rate at which units are spent. */
export function sliceUnits({ projectUnitsPerMinute }: ProjectLimit): number {
  return Math.max(1, Math.min(LARGEST_SLICE, Math.floor(projectUnitsPerMinute / SLICES_PER_MINUTE)));
}

/** Units a minute that all backfills together may spend. */
export const backfillUnitsPerMinute = ({ projectUnitsPerMinute }: ProjectLimit): number => projectUnitsPerMinute * BURST_ROOM;

/**
 * How many slices may start in a second, over all workers, so that they spend no more than the project's quota.
 * Temporal's server enforces it: https://typescript.temporal.io/api/interfaces/worker.WorkerOptions#maxtaskqueueactivitiespersecond
 */
export function slicesPerSecond(limit: ProjectLimit): number {
  return backfillUnitsPerMinute(limit) / 60 / sliceUnits(limit);
}
