import { historyId, type HistoryId } from '../../model/ids.ts';

/**
 * A uint64 has at most 20 digits. Padded to that, text order is numeric order in SQLite and in every PostgreSQL
 * collation.
 */
const DIGITS = 20;

export function toHistoryIdText(id: HistoryId): string;
export function toHistoryIdText(id: HistoryId | null): string | null;
export function toHistoryIdText(id: HistoryId | null): string | null {
  return id === null ? null : id.padStart(DIGITS, '0');
}

export function fromHistoryIdText(text: string): HistoryId;
export function fromHistoryIdText(text: string | null): HistoryId | null;
export function fromHistoryIdText(text: string | null): HistoryId | null {
  return text === null ? null : historyId(text);
}
