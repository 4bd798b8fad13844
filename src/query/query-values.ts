const DAY = 86_400_000;
/** Gmail reads a day as midnight in Pacific Standard Time. */
const PACIFIC = 8;
const AGES: ReadonlyMap<string, number> = new Map([
  ['h', DAY / 24],
  ['d', DAY],
  ['m', 30 * DAY],
  ['y', 365 * DAY],
]);
const SIZES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1_024],
  ['m', 1_048_576],
]);

/**
 * Reads a date: epoch seconds, `2026/11/30`, `2026-11-30` or `11/30/2026`. Four
 * digits may also be a year, and more than eleven are milliseconds, so neither is one.
 * https://developers.google.com/workspace/gmail/api/guides/filtering
 *
 * @returns epoch ms; null when the text is no date
 */
export function readDate(text: string): number | null {
  if (/^(\d{1,3}|\d{5,11})$/.test(text)) return Number(text) * 1_000;
  const yearFirst = /^(?<year>\d{4})(?<mark>[/-])(?<month>\d{1,2})\k<mark>(?<day>\d{1,2})$/.exec(text);
  const yearLast = /^(?<month>\d{1,2})(?<mark>[/-])(?<day>\d{1,2})\k<mark>(?<year>\d{4})$/.exec(text);
  const { year, month, day } = (yearFirst ?? yearLast)?.groups ?? {};
  if (year === undefined || month === undefined || day === undefined) return null;
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), PACIFIC));
  // A day that does not exist becomes another one, and a year below 100 one of the last century.
  const isExact =
    at.getUTCFullYear() === Number(year) && at.getUTCMonth() === Number(month) - 1 && at.getUTCDate() === Number(day);
  return isExact ? at.getTime() : null;
}

/**
 * Reads an age: `12h`, `3d`, `2m` (months of 30 days) or `1y` (365 days).
 *
 * @returns ms; null when the text is no age
 */
export function readAge(text: string): number | null {
  const [, count, unit = ''] = /^(\d{1,6})([hdmy])$/i.exec(text) ?? [];
  const one = AGES.get(unit.toLowerCase());
  return count === undefined || one === undefined ? null : Number(count) * one;
}

/**
 * Reads a size: `1000000`, `500k`, `10M`, `10MB`.
 *
 * @returns bytes; null when the text is no size
 */
export function readSize(text: string): number | null {
  const [, count, unit = ''] = /^(\d{1,15})([km]?)b?$/i.exec(text) ?? [];
  const one = SIZES.get(unit.toLowerCase());
  return count === undefined || one === undefined ? null : Number(count) * one;
}
