/**
 * Our integers are times, counts, sizes and keys: far below 2^53, up to which numbers are exact. One beyond it came from Gmail before its values were checked;
 * the largest exact number takes its place, and nobody takes that for a size or a date.
 */
export function safeInteger(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : Number(value);
}

/** Bytes as a row has them; 0, as before the first reading, where that is no size. */
export const storedSize = (value: number): number => (value >= 0 && value < Number.MAX_SAFE_INTEGER ? value : 0);

/** Epoch milliseconds as a row has them; null where no date is so far away. */
export const storedDate = (value: number | null): number | null => (value !== null && Math.abs(value) <= 8.64e15 ? value : null);
