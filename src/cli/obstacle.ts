import { blockedRemedy, blockedText, blockReasonOf, isBlocked, type BlockedPhase } from '../client/blocked-mailbox.ts';
import { withAdvice } from './advice.ts';
import type { MailboxReport } from '../client/mailbox-report.ts';
import { NO_WORKER } from './no-worker.ts';
import { failingTaskWords } from './require-answerable.ts';
import { ago } from './words.ts';

/**
 * What keeps a running mailbox from doing now what it was asked for, and what to do about it. The text continues a
 * sentence and ends with a full stop.
 *
 * @param now - epoch ms
 * @returns null when nothing delays it
 */
export function obstacleWords(report: MailboxReport, now: number): string | null {
  const { mailbox, phase, workerAnswered, blocked, failingTask } = report;
  if (failingTask !== null)
    return `${failingTaskWords(mailbox, failingTask).replace(`The workflow task of ${mailbox}`, 'its workflow task')}.`;
  if (!workerAnswered) return `no worker answered for it. ${NO_WORKER}`;
  if (phase === 'paused') return blockedWords(report, phase).replace(mailbox, 'it');
  if (isBlocked(phase)) {
    const again =
      blocked === null || blocked.retryAt === null
        ? ''
        : `, and asks by itself ${blocked.retryAt <= now ? 'now' : `at ${ago(blocked.retryAt, now)}`}`;
    return `it is in phase ${phase}${again}. ${blockedWords(report, phase)}`;
  }
  return phase === 'rate-limited' ? quotaWords(report, now) : null;
}

/** Spent units of the day hold back only the backfill, so they delay neither a sync nor a listing. */
function quotaWords({ rateLimitedUntil, heldUntil }: MailboxReport, now: number): string | null {
  if (rateLimitedUntil === null && heldUntil !== null) return null;
  const until = rateLimitedUntil === null || rateLimitedUntil <= now ? '' : ` until ${ago(rateLimitedUntil, now)}`;
  return `it waits for Gmail's quota${until}.`;
}

function blockedWords(report: MailboxReport, phase: BlockedPhase): string {
  const reason = blockReasonOf(report);
  return withAdvice(blockedText(report.mailbox, phase, reason), blockedRemedy(report.mailbox, phase, reason));
}

/** `done` as a sentence, with the obstacle when something delays it. */
export function doneOrLater(report: MailboxReport, now: number, done: string): string {
  const obstacle = obstacleWords(report, now);
  return obstacle === null ? `${done}.` : `${done}, but not yet: ${obstacle}`;
}
