import { LAST_MOMENT } from '../../model/date-range.ts';

/**
 * Clamps an integer to what a number holds exactly. The store's integers are times, counts, sizes and keys, all far
 * below 2^53. A larger one came from Gmail before its values were checked; the clamped value is not mistaken for a size
 * or a date.
 */
export function safeInteger(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : Number(value);
}

/** Bytes from a row; 0, as before the first get, when the value is not a plausible size. */
export const storedSize = (value: number): number => (value >= 0 && value < Number.MAX_SAFE_INTEGER ? value : 0);

/** Epoch milliseconds from a row; null when the value is outside the range of dates. */
export const storedDate = (value: number | null): number | null =>
  value !== null && Math.abs(value) <= LAST_MOMENT ? value : null;
