import { statSync } from 'node:fs';

import { aligned, about, count, usageWords } from '../cli/words.ts';
import type { MailboxReport } from '../client/mailbox-report.ts';
import type { DatabaseLocation } from '../model/database-location.ts';

/** The result of a first sync, line by line. */
export function summaryLines(
  report: MailboxReport,
  { elapsed, database }: { elapsed: number; database: DatabaseLocation },
): readonly string[] {
  const { counts, usage } = report;
  const perSecond = elapsed > 0 ? counts.stored / (elapsed / 1_000) : 0;
  const rows = aligned([
    ['messages', `${count(counts.stored)} stored, ${count(counts.failed)} failed, ${count(counts.gone)} gone`],
    ['historyId', report.historyId ?? 'unknown'],
    ['units', usageWords(usage)],
    ['time', `${about(elapsed)}, ${count(perSecond)} messages/s`],
    [
      'database',
      database.kind === 'sqlite' ? `${database.path} (${(sizeOf(database.path) / 1e6).toFixed(1)} MB)` : database.url,
    ],
  ]);
  return [report.mailbox, ...rows];
}

/** Includes the write-ahead log, which holds the newest mail until a checkpoint. */
function sizeOf(database: string): number {
  const files = [database, `${database}-wal`];
  return files.reduce((size, file) => size + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}
