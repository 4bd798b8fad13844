import type { PriceTable } from '../model/prices.ts';

/**
 * A batch is stored once all of it has arrived, and waits for the units of its last calls: what it had before is paid for, and would be lost by a crash.
 * So a batch costs no more than a twelfth of a minute's grant, and about two of them are under way.
 */
const BATCHES_PER_MINUTE = 12;
export const BATCHES_AHEAD = 2;

export const batchUnitsOf = ({ userUnitsPerMinute }: Pick<PriceTable, 'userUnitsPerMinute'>): number => userUnitsPerMinute / BATCHES_PER_MINUTE;

/** What is paid already of a backfill that waits for its units: of two batches under way one half, on average. */
export const unitsPaidAhead = (prices: Pick<PriceTable, 'userUnitsPerMinute'>): number => (BATCHES_AHEAD * batchUnitsOf(prices)) / 2;
