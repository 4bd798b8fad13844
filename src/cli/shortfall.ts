import type { Command } from 'commander';

import type { MailboxReport } from '../client/mailbox-report.ts';
import { IncompleteError } from '../model/program-errors.ts';
import { isUnconfirmed } from '../model/unconfirmed.ts';
import { onlyWith } from './arguments.ts';
import { ago, counted } from './words.ts';

/** What may be missing although the mailbox is in sync. */
type Shortfall = Pick<MailboxReport, 'mailbox' | 'counts' | 'doubt'>;
interface FailedCount {
  readonly mailbox: MailboxReport['mailbox'];
  readonly counts: Pick<MailboxReport['counts'], 'failed'>;
}
type ShownDoubt = NonNullable<MailboxReport['doubt']>;

export interface FailOnFailures {
  readonly failOnFailures?: boolean;
}

/** The option of a verb that waits for a sync. */
export function addFailOnFailures(command: Command): Command {
  command.option(FAIL_ON_FAILURES, `with --wait: ${EXIT_CODE_3}`);
  return onlyWith(command, 'failOnFailures', 'wait');
}

/** The option of a verb that reads what is stored. */
export const addFailOnStoredFailures = (command: Command): Command => command.option(FAIL_ON_FAILURES, EXIT_CODE_3);

const FAIL_ON_FAILURES = '--fail-on-failures';
const EXIT_CODE_3 = 'end with exit code 3 when messages could not be fetched';

/**
 * A sentence for each thing that is missing or doubted; empty when all is well. A listing that Gmail's counts merely
 * did not confirm is left out: nothing is known to be missing from it.
 *
 * @param now - epoch ms
 * @param options.runs - false for a mailbox that is stopped, paused or blocked, and so is not listed again by itself
 */
export function shortfallLines(
  { mailbox, counts, doubt }: Shortfall,
  now: number,
  { runs = true }: { runs?: boolean } = {},
): string[] {
  return [
    ...(counts.failed === 0
      ? []
      : [`${counted(counts.failed, 'message')} could not be fetched: tidemark failures ${mailbox}`]),
    ...(doubt === null || isUnconfirmed(doubt)
      ? []
      : [`Gmail's listings of ${mailbox} are in doubt: ${doubtWords(doubt, now, { runs })}`]),
  ];
}

/**
 * What is wrong with Gmail's listings, and that nothing is lost by that alone. It does not say that nothing was
 * removed: a message whose get answered 404 is gone, although Gmail's count still differs.
 */
export function doubtWords(doubt: ShownDoubt, now: number, { runs }: { runs: boolean }): string {
  const { uncounted, absent, relabelled, underLabels = 0, relistAt } = doubt;
  const again =
    relistAt === null || !runs
      ? ''
      : `; the mailbox is listed again ${relistAt <= now ? 'now' : `at ${ago(relistAt, now)}`}`;
  if (isUnconfirmed(doubt))
    return (
      "Gmail's counts did not confirm the list, as when mail comes or changes meanwhile. " +
      `Nothing is known to be missing${again}`
    );
  const words = [
    ...(uncounted === 0 ? [] : [`Gmail counts ${counted(uncounted, 'message')} more than it lists`]),
    ...(absent === 0 ? [] : [`Gmail does not list ${counted(absent, 'stored message')}`]),
    ...(relabelled === 0 ? [] : [`Gmail does not list ${counted(relabelled, 'stored message')} under their labels`]),
    ...(underLabels === 0
      ? []
      : [`Gmail counts ${counted(underLabels, 'message')} more under a label than it lists there`]),
  ];
  return `${words.join(', ')}. Nothing is removed because of one listing alone${again}`;
}

/**
 * What a sync leaves pending: messages of the backfill, which continues beside it, and new or changed messages that are
 * not fetched yet.
 */
export const leftWords = (counts: Pick<MailboxReport['counts'], 'pending' | 'backfill'>): string =>
  leftParts(counts)
    .map((part) => `; ${part}`)
    .join('');

function leftParts({ pending, backfill }: Pick<MailboxReport['counts'], 'pending' | 'backfill'>): string[] {
  const live = pending - backfill;
  return [
    ...(backfill === 0 ? [] : [`${counted(backfill, 'message')} of the full sync still to fetch`]),
    ...(live <= 0 ? [] : [`${counted(live, 'new or changed message')} still to fetch`]),
  ];
}

/**
 * What an export of the stored messages leaves out, because it is not fetched.
 *
 * @returns one sentence; null when nothing is left out
 */
export function leftOutWords(
  mailbox: MailboxReport['mailbox'],
  counts: Pick<MailboxReport['counts'], 'pending' | 'backfill' | 'failed'>,
): string | null {
  const { pending, failed } = counts;
  if (pending + failed === 0) return null;
  const parts = [
    ...leftParts(counts),
    ...(failed === 0 ? [] : [`${counted(failed, 'message')} could not be fetched: tidemark failures ${mailbox}`]),
  ];
  const progress = pending === 0 ? '' : `. See how far it is: tidemark status ${mailbox}`;
  return `Left out of the export of ${mailbox}: ${parts.join('; ')}${progress}`;
}

/**
 * Fails a command that has `--fail-on-failures`. Call this after its result is written.
 *
 * @throws {IncompleteError} when messages could not be fetched
 */
export function requireNoFailures({ mailbox, counts }: FailedCount, { failOnFailures = false }: FailOnFailures): void {
  if (failOnFailures && counts.failed > 0)
    throw new IncompleteError(
      `${counted(counts.failed, 'message')} of ${mailbox} could not be fetched: tidemark failures ${mailbox}`,
    );
}
