/**
 * The longest wait that a receiver can ask for, in ms. With a longer one, its deliveries would wait long after it has
 * recovered.
 */
const LONGEST = 24 * 3_600_000;

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * The wait that a `Retry-After` header asks for: seconds, or a date. Anything else is ignored, the two obsolete forms
 * of dates included.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 *
 * @param now - epoch ms
 * @returns milliseconds, at most a day; null when nothing is asked
 */
export function retryAfter(header: string | undefined, now: number): number | null {
  const text = header?.trim() ?? '';
  const milliseconds = /^\d+$/.test(text)
    ? Number(text) * 1_000
    : HTTP_DATE.test(text)
      ? Date.parse(text) - now
      : Number.NaN;
  if (Number.isNaN(milliseconds)) return null;
  return Math.min(Math.max(milliseconds, 0), LONGEST);
}
