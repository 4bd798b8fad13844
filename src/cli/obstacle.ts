import { blockedRemedy, blockedText, blockReasonOf, type BlockedPhase } from '../client/errors.ts';
import { withAdvice } from './advice.ts';
import type { MailboxReport } from '../client/mailbox-report.ts';
import { isBlocked } from '../client/waiting.ts';
import { NO_WORKER } from './no-worker.ts';
import { ago } from './words.ts';

/**
 * What keeps a running mailbox from doing now what it was asked for, and what to do about it. The text continues a
 * sentence and ends with a full stop.
 *
 * @param now - epoch ms
 * @returns null when nothing does
 */
export function obstacleWords(report: MailboxReport, now: number): string | null {
  const { mailbox, phase, workerAnswered, blocked, rateLimitedUntil } = report;
  if (!workerAnswered) return `no worker answered for it. ${NO_WORKER}`;
  if (phase === 'paused') return blockedWords(report, phase).replace(mailbox, 'it');
  if (isBlocked(phase)) {
    const again =
      blocked === null || blocked.retryAt === null
        ? ''
        : `, and asks by itself ${blocked.retryAt <= now ? 'now' : `at ${ago(blocked.retryAt, now)}`}`;
    return `it is in phase ${phase}${again}. ${blockedWords(report, phase)}`;
  }
  if (phase === 'rate-limited')
    return `it waits for Gmail's quota${rateLimitedUntil === null ? '' : ` until ${ago(rateLimitedUntil, now)}`}.`;
  return null;
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
