import { LAST_MOMENT } from '../../model/date-range.ts';
import { bytesOfBase64 } from '../../model/base64url.ts';
import { compareHistoryIds, historyId, type HistoryId } from '../../model/ids.ts';

/**
 * Checks of single values in Gmail's answers. An impossible value stops here and reaches no row, no mark and no SQL
 * statement.
 */

/**
 * Thrown when an answer is not as Gmail documents it. Something on the way may have cut or changed it, so the same call
 * may succeed later.
 */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
}

/** Gmail's ids have 16 characters, its longest label ids some 50. */
const LONGEST_ID = 256;
const LONGEST_PAGE_TOKEN = 4_096;
/** Gmail's snippets have some 200 characters. */
const LONGEST_SNIPPET = 2_000;
/** The largest plausible historyId. One beyond 2^63 would stay newer than every other forever. */
const NEWEST = historyId('9223372036854775807');

/**
 * Whether a value can be an id: a text that is not empty, not absurdly long, valid Unicode, and free of control
 * characters (PostgreSQL has no NUL, and lists of ids are joined by line feeds).
 */
export function isId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= LONGEST_ID &&
    !hasControls(value) &&
    value.isWellFormed()
  );
}

export function isPageToken(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= LONGEST_PAGE_TOKEN &&
    !hasControls(value) &&
    value.isWellFormed()
  );
}

function hasControls(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}

/**
 * Reads a history id: a string as in Gmail's JSON, or a number as in some of Google's guides.
 *
 * @returns null when the value is not a history id
 */
export function historyIdIn(value: unknown): HistoryId | null {
  const text = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? String(value) : value;
  if (typeof text !== 'string' || !/^\d{1,19}$/.test(text)) return null;
  const id = historyId(text);
  return compareHistoryIds(id, NEWEST) <= 0 ? id : null;
}

/** Bytes; 0, as before the first get, when the value is not a size. */
export const sizeIn = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;

/** Epoch milliseconds; null when the value is not a date. */
export function dateIn(value: unknown): number | null {
  const date = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof date === 'number' && Number.isSafeInteger(date) && Math.abs(date) <= LAST_MOMENT ? date : null;
}

/** A text without NUL and half characters, which databases refuse; empty when the value is not a text. */
export function snippetIn(value: unknown): string {
  if (typeof value !== 'string') return '';
  const text = value.length > LONGEST_SNIPPET ? value.slice(0, LONGEST_SNIPPET) : value;
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** The bytes of a RAW message; null when there are none, or the text was cut or is not base64. */
export function rawIn(value: unknown): Uint8Array | null {
  return typeof value === 'string' && value !== '' ? bytesOfBase64(value) : null;
}
