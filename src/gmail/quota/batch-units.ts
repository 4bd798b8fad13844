import type { PriceTable } from '../../model/prices.ts';

/**
 * A batch is stored when all of it has arrived. While it waits for the units of its last calls, a crash would lose the
 * calls that are already paid for. So a batch costs at most a twelfth of a minute's allowance, and about two batches
 * are under way.
 */
const BATCHES_PER_MINUTE = 12;
export const BATCHES_AHEAD = 2;

export const batchUnitsOf = ({ userUnitsPerMinute }: Pick<PriceTable, 'userUnitsPerMinute'>): number =>
  userUnitsPerMinute / BATCHES_PER_MINUTE;

/** Units that a backfill has already paid for the batches under way: on average half of two batches. */
export const unitsPaidAhead = (prices: Pick<PriceTable, 'userUnitsPerMinute'>): number =>
  (BATCHES_AHEAD * batchUnitsOf(prices)) / 2;
