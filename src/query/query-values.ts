const DAY = 86_400_000;
/** Gmail reads a day as midnight in Pacific Standard Time. */
const PACIFIC = 8;
const AGES: Readonly<Record<string, number>> = { h: DAY / 24, d: DAY, m: 30 * DAY, y: 365 * DAY };
const SIZES: Readonly<Record<string, number>> = { '': 1, k: 1_024, m: 1_048_576 };

/**
 * Reads a date: epoch seconds, `2026/11/30`, `2026-11-30` or `11/30/2026`.
 * https://developers.google.com/workspace/gmail/api/guides/filtering
 *
 * @returns epoch ms; null when the text is no date
 */
export function readDate(text: string): number | null {
  if (/^\d{5,}$/.test(text)) return Number(text) * 1_000;
  const [, year, month, day] =
    /^(\d{4})[/-](\d{1,2})[/-](\d{1,2})$/.exec(text) ??
    /^(\d{1,2})[/-](\d{1,2})[/-](\d{4})$/.exec(text)?.map((_, index, found) => found[[0, 3, 1, 2][index] ?? 0]) ??
    [];
  if (year === undefined || month === undefined || day === undefined) return null;
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), PACIFIC));
  const isDay = at.getUTCMonth() === Number(month) - 1 && at.getUTCDate() === Number(day);
  return isDay ? at.getTime() : null;
}

/**
 * Reads an age: `12h`, `3d`, `2m` (months of 30 days) or `1y` (365 days).
 *
 * @returns ms; null when the text is no age
 */
export function readAge(text: string): number | null {
  const [, count, unit = ''] = /^(\d+)([hdmy])$/i.exec(text) ?? [];
  const one = AGES[unit.toLowerCase()];
  return count === undefined || one === undefined ? null : Number(count) * one;
}

/**
 * Reads a size: `1000000`, `500k`, `10M`, `10MB`.
 *
 * @returns bytes; null when the text is no size
 */
export function readSize(text: string): number | null {
  const [, count, unit = ''] = /^(\d+)([km]?)b?$/i.exec(text) ?? [];
  const one = SIZES[unit.toLowerCase()];
  return count === undefined || one === undefined ? null : Number(count) * one;
}
