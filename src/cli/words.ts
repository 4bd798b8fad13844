import type { CallCounts } from '../client/mailbox-report.ts';
import { withinDates } from '../model/date-range.ts';
import { formatDuration } from '../model/duration.ts';
import { isReachedAs } from '../model/address.ts';
import type { Money } from '../model/forecast.ts';
import type { MailboxId } from '../model/ids.ts';
import { columnsOf, visibleLine } from '../model/visible-text.ts';

/** Numbers, times and tables as a person reads them. */

export const count = (n: number): string =>
  Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 message`, `2 messages`, `2 mailboxes` */
export const counted = (n: number, word: string): string =>
  `${count(n)} ${word}${n === 1 ? '' : word.endsWith('x') ? 'es' : 's'}`;

/** UTC, to the second. A moment that no date holds is shown as the last one that a date does. */
export function timeOf(at: number): string {
  return new Date(withinDates(at))
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}

/** At most two units, rounded to seconds or more: `5h48m`, `3m20s`, `40s`. */
export function about(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  const step = seconds >= 86_400 ? 3_600 : seconds >= 3_600 ? 60 : 1;
  return formatDuration(Math.round(seconds / step) * step * 1_000);
}

/** `2026-11-22 16:13:00Z (3m20s ago)` */
export function ago(at: number, now: number): string {
  return `${timeOf(at)} (${at > now ? `in ${about(at - now)}` : `${about(now - at)} ago`})`;
}

/** Lines of `name  value` with aligned names. */
export function aligned(rows: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}

/** The lines of a table: columns of numbers aligned right, others left, by the width that a terminal shows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head, ...rows].map((cells) => cells.map(visibleLine));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => columnsOf(cells[column] ?? ''))));
  const isNumber = head.map((_, column) => rows.every((row) => /^[\d,]*$/.test(row[column] ?? '')));
  const padded = (cell: string, column: number): string => {
    const padding = ' '.repeat((widths[column] ?? 0) - columnsOf(cell));
    return isNumber[column] === true ? padding + cell : cell + padding;
  };
  return lines.map((cells) => cells.map(padded).join('  ').trimEnd());
}

/**
 * Advice for an account that Google now calls by another address. Empty when notifications that name that address still
 * find the mailbox.
 */
export function renamedAccount(mailbox: MailboxId, address: MailboxId): string {
  return isReachedAs(mailbox, address)
    ? ''
    : ` Google calls its account ${address} now; rename it: tidemark rename ${mailbox} ${address}.`;
}

/** `17,370 in 653 calls: 650 successful, 2 rejected, 1 failed` */
export function usageWords({ units, calls, successful, rejected, failed }: CallCounts): string {
  const failures = failed === 0 ? '' : `, ${count(failed)} failed`;
  return (
    `${count(units)} in ${counted(calls, 'call')}: ` +
    `${count(successful)} successful, ${count(rejected)} rejected${failures}`
  );
}

/** Money with two decimals or, for a small amount, as many as show its first two digits. */
export function moneyWords({ amount, currency }: Money): string {
  const digits = amount === 0 || amount >= 1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(amount)));
  const decimals = { minimumFractionDigits: 2, maximumFractionDigits: Math.max(2, digits) };
  return `${currency} ${amount.toLocaleString('en-US', decimals)}`;
}
