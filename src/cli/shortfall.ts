import type { Command } from 'commander';

import type { MailboxReport } from '../client/mailbox-report.ts';
import { IncompleteError } from '../failure-report.ts';
import { ago, counted } from './words.ts';

/** What a wait can end with although the mailbox is in sync. */
type Shortfall = Pick<MailboxReport, 'mailbox' | 'counts' | 'doubt'>;

export interface FailOnFailures {
  readonly failOnFailures?: boolean;
}

export function addFailOnFailures(command: Command): Command {
  return command.option('--fail-on-failures', 'with --wait: end with exit code 3 while messages could not be fetched');
}

/** A sentence for each thing that is missing or doubted; none where all is well. */
export function shortfallLines({ mailbox, counts, doubt }: Shortfall, now: number): string[] {
  return [
    ...(counts.failed === 0 ? [] : [`${counted(counts.failed, 'message')} could not be fetched: tidemark failures ${mailbox}`]),
    ...(doubt === null ? [] : [`Gmail's listings of ${mailbox} are doubted: ${doubtWords(doubt, now)}`]),
  ];
}

/** What is wrong with Gmail's listings, and that nothing is lost by it. */
export function doubtWords({ uncounted, absent, relabelled, relistAt }: NonNullable<MailboxReport['doubt']>, now: number): string {
  const words = [
    ...(uncounted === 0 ? [] : [`${counted(uncounted, 'message')} counted and not listed`]),
    ...(absent === 0 ? [] : [`${counted(absent, 'message')} held here and not listed`]),
    ...(relabelled === 0 ? [] : [`${counted(relabelled, 'message')} held here and not listed under their labels`]),
  ];
  const again = relistAt === null ? '' : `; listed again ${relistAt <= now ? 'now' : ago(relistAt, now)}`;
  return `${words.length === 0 ? 'its totals have not settled' : words.join(', ')}; nothing is removed${again}`;
}

/** What a sync leaves pending: of the backfill, which goes on beside it, or what came or changed since and is not fetched yet. */
export function leftWords({ pending, backfill }: Pick<MailboxReport['counts'], 'pending' | 'backfill'>): string {
  const live = pending - backfill;
  const ofBackfill = backfill === 0 ? '' : `; ${counted(backfill, 'message')} of the full sync still to fetch`;
  return `${ofBackfill}${live <= 0 ? '' : `; ${counted(live, 'new or changed message')} still to fetch`}`;
}

/**
 * For scripts that asked for it, once the result is told.
 *
 * @throws {IncompleteError} when messages could not be fetched
 */
export function requireNoFailures({ mailbox, counts }: Shortfall, { failOnFailures = false }: FailOnFailures): void {
  if (failOnFailures && counts.failed > 0) throw new IncompleteError(`${mailbox} lacks ${counted(counts.failed, 'message')} that could not be fetched; they are tried again by themselves.`);
}
