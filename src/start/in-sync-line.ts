import { count, counted } from '../cli/words.ts';
import type { MailboxReport } from '../client/mailbox-report.ts';
import { clockTime } from './live-feed.ts';

/** @param now - epoch ms */
export function inSyncLine({ mailbox, counts, historyId }: MailboxReport, now: number): string {
  const failed = counts.failed === 0 ? '' : `, ${count(counts.failed)} failed`;
  return (
    `${clockTime(now)}  ${mailbox} is in sync: ${counted(counts.stored, 'message')}${failed}, ` +
    `historyId ${historyId ?? 'unknown'}`
  );
}
