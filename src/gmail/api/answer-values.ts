import { bytesOfBase64 } from '../../model/base64url.ts';
import { compareHistoryIds, historyId, type HistoryId } from '../../model/ids.ts';

/** The values in Gmail's answers. What Gmail would never send, and one day does, ends here: it reaches no row, no mark and no statement. */

/** Thrown when an answer is not what Gmail documents: something on the way cut or changed it, so the same call may succeed later. */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
}

/** Gmail's ids have 16 characters, its longest label ids some 50. */
const LONGEST_ID = 256;
const LONGEST_PAGE_TOKEN = 4_096;
/** Gmail's snippets have some 200 characters. */
const LONGEST_SNIPPET = 2_000;
/** Milliseconds of the last day that JavaScript, and so every reader of the store, has a date for. */
const LAST_DATE = 8.64e15;
/** A historyId beyond 2^63 would be newer than every other, for ever. */
const NEWEST = historyId('9223372036854775807');

/** Whether a text can be an id: not empty, not absurdly long, no control characters (PostgreSQL has no NUL, lists of ids are joined by line feeds), valid Unicode. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_ID && !hasControls(value) && value.isWellFormed();
}

export function isPageToken(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_PAGE_TOKEN && !hasControls(value) && value.isWellFormed();
}

function hasControls(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}

/**
 * A history id, quoted as Gmail's JSON has it, or unquoted as some of Google's guides have it.
 *
 * @returns null when the value is none
 */
export function historyIdIn(value: unknown): HistoryId | null {
  const text = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? String(value) : value;
  if (typeof text !== 'string' || !/^\d{1,19}$/.test(text)) return null;
  const id = historyId(text);
  return compareHistoryIds(id, NEWEST) <= 0 ? id : null;
}

/** Bytes; 0, as before the first reading, where the value is no size. */
export const sizeIn = (value: unknown): number => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0);

/** Epoch milliseconds; null where the value is no date. */
export function dateIn(value: unknown): number | null {
  const date = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof date === 'number' && Number.isSafeInteger(date) && Math.abs(date) <= LAST_DATE ? date : null;
}

/** Empty where the value is no text. A database's text holds no NUL, and no half of a character. */
export function snippetIn(value: unknown): string {
  if (typeof value !== 'string') return '';
  const text = value.length > LONGEST_SNIPPET ? value.slice(0, LONGEST_SNIPPET) : value;
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** The bytes of a RAW message; null where there are none, or the text was cut or is no base64. */
export function rawIn(value: unknown): Uint8Array | null {
  return typeof value === 'string' && value !== '' ? bytesOfBase64(value) : null;
}
