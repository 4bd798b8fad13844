import type { MailboxReport } from '../client/mailbox-report.ts';
import type { Finding } from '../doctor/finding.ts';
import { blockedRemedy, blockedText, blockReasonOf, isBlocked } from '../client/blocked-mailbox.ts';
import { withAdvice } from './advice.ts';
import { failingTaskWords } from './require-answerable.ts';
import { shortfallLines } from './shortfall.ts';
import { counted, renamedAccount } from './words.ts';

/** The most mailboxes named for each state: thousands may have the same trouble. */
const MOST_NAMED = 10;
const PART = 'mailboxes';

/** How many mailboxes are in which phase, and a line for each that needs a person. */
export function examineMailboxes(reports: readonly MailboxReport[], now: number): readonly Finding[] {
  const troubles = reports.flatMap((report) => troubleOf(report, now) ?? []);
  const faults = troubles.filter(({ state }) => state === 'fault');
  const warnings = troubles.filter(({ state }) => state === 'warning');
  return [summaryOf(reports), ...bounded(faults), ...bounded(warnings)];
}

function summaryOf(reports: readonly MailboxReport[]): Finding {
  const phases = new Map<string, number>();
  for (const { phase } of reports) phases.set(phase, (phases.get(phase) ?? 0) + 1);
  const parts = [...phases].toSorted((a, b) => b[1] - a[1]).map(([phase, count]) => `${count} ${phase}`);
  const text =
    reports.length === 0
      ? 'None yet. Connect one: tidemark login EMAIL --client FILE.'
      : `${counted(reports.length, 'mailbox')}: ${parts.join(', ')}.`;
  return { part: PART, state: 'ok', text, remedy: null };
}

function troubleOf(report: MailboxReport, now: number): Finding | null {
  const { mailbox, phase, failingTask, conditions, renamedTo } = report;
  const found = (state: 'fault' | 'warning', text: string): Finding => ({ part: mailbox, state, text, remedy: null });
  if (failingTask !== null) return found('fault', `${failingTaskWords(mailbox, failingTask)}.`);
  if (phase === 'failed' || phase === 'needs-consent') {
    const reason = blockReasonOf(report);
    return { ...found('fault', blockedText(mailbox, phase, reason)), remedy: blockedRemedy(mailbox, phase, reason) };
  }
  const failing = [conditions.live, conditions.backfill].find((condition) => condition?.kind === 'failing');
  if (failing !== undefined && failing !== null && phase !== 'paused' && phase !== 'stopped')
    return found('fault', withAdvice(failing.message, failing.remedy ?? null));
  if (isBlocked(phase) || phase === 'stopped') return found('warning', `It is ${phase}.`);
  if (renamedTo !== null) return found('warning', renamedAccount(mailbox, renamedTo.address));
  const [shortfall] = shortfallLines(report, now);
  return shortfall === undefined ? null : found('warning', shortfall);
}

function bounded(findings: readonly Finding[]): readonly Finding[] {
  const [first] = findings;
  if (first === undefined || findings.length <= MOST_NAMED) return findings;
  const left = findings.length - MOST_NAMED;
  const more = `${left} more like these: tidemark list.`;
  return [...findings.slice(0, MOST_NAMED), { part: PART, state: first.state, text: more, remedy: null }];
}
