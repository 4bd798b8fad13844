import { blockedRemedy, isRunning, type BlockedPhase } from '../client/blocked-mailbox.ts';
import { adviceOf } from './advice.ts';
import type { MailboxReport } from '../client/mailbox-report.ts';
import { isWorthTelling, skewWords } from '../model/clock-skew.ts';
import type { Pace } from './pace.ts';
import { formatDuration } from '../model/duration.ts';
import { isUnconfirmed } from '../model/unconfirmed.ts';
import { auditWords } from './audit-verb.ts';
import { NO_WORKER } from './no-worker.ts';
import { errorRows } from './report-errors.ts';
import { failingTaskWords } from './require-answerable.ts';
import { doubtWords } from './shortfall.ts';
import { about, ago, aligned, count, counted, moneyWords, timeOf, usageWords } from './words.ts';

/** A mailbox's report as JSON: times in epoch milliseconds, `historyId` as text. */
export function reportJson(report: MailboxReport, pace: Pace | null): object {
  const { mailbox, phase, phaseSince, historyId, counts, usage, lastError } = report;
  return {
    mailbox,
    phase,
    phaseSince,
    historyId,
    counts: {
      stored: counts.stored,
      pending: counts.pending,
      failed: counts.failed,
      gone: counts.gone,
      excluded: counts.excluded,
      lacking: counts.lacking,
    },
    units: usage.units,
    usage,
    rate: pace === null ? null : { messagesPerSecond: pace.messagesPerSecond, unitsPerMinute: pace.unitsPerMinute },
    unitsLeft: pace?.unitsLeft ?? null,
    requestsLeft: pace?.requestsLeft ?? null,
    moneyLeft: pace?.moneyLeft ?? null,
    eta: pace?.remaining ?? null,
    lastError:
      lastError === null ? null : { message: lastError.message, since: lastError.at, mendedAt: lastError.mendedAt },
    condition: conditionJson(report.condition),
    conditions: { live: conditionJson(report.conditions.live), backfill: conditionJson(report.conditions.backfill) },
    doubt: report.doubt,
    inSync: report.inSync,
    workerAnswered: report.workerAnswered,
    failingTask: report.failingTask,
    generation: report.generation,
    fullSync: report.fullSync,
    syncedAt: report.syncedAt,
    audit: report.audit,
    nextSyncAt: report.nextSyncAt,
    rateLimitedUntil: report.rateLimitedUntil,
    blocked: report.blocked,
    waitingDeliveries: report.waitingDeliveries,
    push: report.push,
    renamedTo: report.renamedTo,
    heldUntil: report.heldUntil,
    clockSkew: report.clockSkew,
    gmailClockSkew: report.gmailClockSkew,
    changeSequence: report.changeSequence,
    partialSyncs: report.partialSyncs,
    fullSyncs: report.fullSyncs,
    recoveries: report.recoveries,
    settings: report.settings,
  };
}

function conditionJson(condition: MailboxReport['condition']): object | null {
  if (condition === null) return null;
  const { kind, message, since, until } = condition;
  return { kind, message, since, until };
}

type Row = readonly [name: string, value: string];

/** The report for a person at three in the morning: what the mailbox does, how far it is, and what is wrong. */
export function reportLines(report: MailboxReport, pace: Pace | null, now: number): readonly string[] {
  const rows = [
    ['phase', phaseWords(report, now)] as const,
    ['historyId', report.historyId ?? 'not known yet: the first listing is not finished'] as const,
    ...countRows(report),
    ...(pace === null ? [] : paceRows(pace)),
    ...syncRows(report, now),
    ...hindranceRows(report, now),
    ...errorRows(report, now),
  ];
  const next = hint(report);
  return [report.mailbox, ...aligned(rows), ...(next.length === 0 ? [] : ['', ...next])];
}

/** Messages by state, and what they cost. */
function countRows(report: MailboxReport): readonly Row[] {
  const { mailbox, counts, usage } = report;
  const rows: Row[] = [['stored', count(counts.stored)]];
  if (counts.lacking > 0)
    rows.push([
      '  in part',
      `${count(counts.lacking)} (Gmail does not give all of them: tidemark failures ${mailbox})`,
    ]);
  rows.push(['pending', count(counts.pending)]);
  const again = isRunning(report) ? 'by themselves' : 'once it runs';
  const failing = counts.failed === 0 ? '' : ` (tried again ${again}: tidemark failures ${mailbox})`;
  rows.push(['failed', `${count(counts.failed)}${failing}`], ['gone', count(counts.gone)]);
  rows.push(['units used', usageWords(usage)], ...methodRows(usage));
  if (counts.excluded > 0) rows.push(['out of scope', count(counts.excluded)]);
  return rows;
}

function leftWords({ unitsLeft, requestsLeft, moneyLeft }: Pick<Pace, 'unitsLeft' | 'requestsLeft' | 'moneyLeft'>) {
  if (unitsLeft === null) return '';
  const requests = requestsLeft === null ? '' : ` in ${counted(requestsLeft, 'request')}`;
  const cost = moneyLeft === null ? '' : `, ${moneyWords(moneyLeft)}`;
  return `, ${count(unitsLeft)} units left${requests}${cost}`;
}

function paceRows({ messagesPerSecond, unitsPerMinute, remaining, ...left }: Pace): readonly Row[] {
  return [
    ['rate', `${count(messagesPerSecond)} messages/s, ${count(unitsPerMinute)} units/min`],
    ['ETA', `${remaining === null ? 'unknown' : about(remaining)}${leftWords(left)}`],
  ];
}

/** The account, past and coming syncs, and the settings. */
function syncRows(report: MailboxReport, now: number): readonly Row[] {
  const { mailbox, renamedTo, syncedAt, audit, nextSyncAt } = report;
  const rows: Row[] = [];
  if (renamedTo !== null)
    rows.push([
      'account',
      `its address at Google is ${renamedTo.address} (first seen ${ago(renamedTo.since, now)}); rename it: ` +
        `tidemark rename ${mailbox} ${renamedTo.address}`,
    ]);
  rows.push(['last synced', syncedAt === null ? 'never' : ago(syncedAt, now)]);
  if (audit !== null) rows.push(['last audit', `${auditWords(audit)}, ${ago(audit.finishedAt, now)}`]);
  if (nextSyncAt !== null && report.phase === 'live')
    rows.push(['next sync', soon(nextSyncAt, now) ? 'now' : `in ${about(nextSyncAt - now)}`]);
  if (report.push !== null) rows.push(['push', pushWords(report.push, { now, polls: isRunning(report) })]);
  if (report.settings !== null) rows.push(['settings', settingsWords(report.settings)]);
  return rows;
}

/** What the mailbox waits for, and what is doubtful about it. */
function hindranceRows(report: MailboxReport, now: number): readonly Row[] {
  const { rateLimitedUntil, heldUntil, blocked, doubt } = report;
  const rows: Row[] = [];
  if (rateLimitedUntil !== null && rateLimitedUntil > now)
    rows.push(['rate limited', `until ${ago(rateLimitedUntil, now)}`]);
  if (heldUntil !== null && heldUntil > now)
    rows.push([
      'held back',
      `until ${ago(heldUntil, now)}: the project's units of the day are spent` +
        (isRunning(report) ? '; new mail goes on' : ''),
    ]);
  if (blocked !== null) rows.push(['next attempt', attemptWords(blocked, now)]);
  for (const { subscription, since, until } of report.waitingDeliveries)
    rows.push([
      'deliveries',
      `${subscription} waits since ${timeOf(since)}, next attempt ` +
        `${isPaused(report) ? 'once it is resumed' : soon(until, now) ? 'now' : ago(until, now)}: ` +
        `tidemark deliveries ${subscription}`,
    ]);
  rows.push(...clockRows(report));
  if (doubt !== null)
    rows.push([
      isUnconfirmed(doubt) ? 'unconfirmed' : 'doubted',
      `Gmail's listings, since ${ago(doubt.since, now)}: ${doubtWords(doubt, now, { runs: isRunning(report) })}`,
    ]);
  return rows;
}

function clockRows({ clockSkew, gmailClockSkew }: MailboxReport): readonly Row[] {
  const rows: Row[] = [];
  if (isWorthTelling(clockSkew))
    rows.push(['clock', `the worker's clock is ${skewWords(clockSkew)} the Temporal server's: set both by NTP`]);
  // On one wrong machine, the worker and the Temporal server agree.
  if (isWorthTelling(gmailClockSkew))
    rows.push([
      'clock',
      `the worker's clock is ${skewWords(gmailClockSkew)} Gmail's: set it and the Temporal server's by NTP`,
    ]);
  return rows;
}

function attemptWords({ asks, retryAt }: NonNullable<MailboxReport['blocked']>, now: number): string {
  const tried = asks === 0 ? '' : `; ${counted(asks, 'attempt')} failed so far`;
  return retryAt === null
    ? `none while it is paused${tried}`
    : `by itself ${soon(retryAt, now) ? 'now' : ago(retryAt, now)}${tried}`;
}

/** Whether less than half a second is left, which would be shown as `in 0s`. */
const soon = (at: number, now: number): boolean => at < now + 500;

/** The units that each method cost, the most expensive first. */
function methodRows({ methods }: MailboxReport['usage']): readonly Row[] {
  return Object.entries(methods)
    .toSorted(([, a], [, b]) => b.units - a.units)
    .map(([method, { calls, units, rejected, failed }]) => [
      `  ${method}`,
      `${count(units)} in ${count(calls)}${rejected === 0 ? '' : `, ${count(rejected)} rejected`}` +
        (failed === 0 ? '' : `, ${count(failed)} failed`),
    ]);
}

function phaseWords(report: MailboxReport, now: number): string {
  const { phase, phaseSince, workerAnswered, failingTask } = report;
  if (phase === 'stopped') return 'stopped (no workflow runs)';
  const since = phaseSince === null ? '' : `, since ${ago(phaseSince, now)}`;
  const sync = isSurelyInSync(report) ? ', in sync' : '';
  const reason = failingTask === null ? 'no worker answers' : 'its workflow task fails';
  return `${phase}${sync}${since}${workerAnswered ? '' : ` (as last shown: ${reason})`}`;
}

/** While live syncs fail, or the mailbox does not run, Gmail may have changed since the last sync. */
const isSurelyInSync = (report: MailboxReport): boolean =>
  report.inSync === true && isRunning(report) && report.conditions.live === null;

/** A mailbox that is blocked and paused shows the phase of what blocks it. */
const isPaused = ({ phase, blocked }: MailboxReport): boolean => phase === 'paused' || blocked?.retryAt === null;

function pushWords(
  { expiration, notifiedAt, trusted }: NonNullable<MailboxReport['push']>,
  { now, polls }: { readonly now: number; readonly polls: boolean },
): string {
  const watch = expiration > now ? `watched for another ${about(expiration - now)}` : `its watch has expired`;
  const last = notifiedAt === null ? 'no notification yet' : `last notification ${ago(notifiedAt, now)}`;
  return `${watch}, ${last}${trusted || !polls ? '' : '; not relied on now, so polled as without push'}`;
}

export function settingsWords({
  format,
  attachments,
  pollInterval,
  scope,
  recovery,
  auditInterval,
  push,
}: NonNullable<MailboxReport['settings']>): string {
  const words = [
    attachments && format === 'full' ? `${format} with attachments` : format,
    `poll every ${formatDuration(pollInterval)}`,
  ];
  if (scope.labelIds.length > 0) words.push(`labels ${scope.labelIds.join(', ')}`);
  if (scope.after !== null) words.push(`after ${new Date(scope.after).toISOString().slice(0, 10)}`);
  if (scope.limit !== null) words.push(`newest ${count(scope.limit)}`);
  if (scope.includeSpamTrash) words.push('with spam and trash');
  if (recovery === 'minimal') words.push('recovery by MINIMAL gets');
  if (push === null) words.push('no push');
  else if (push.labelIds.length > 0) words.push(`push for ${push.labelIds.join(', ')}`);
  words.push(auditInterval === null ? 'no audits' : `audit every ${formatDuration(auditInterval)}`);
  return words.join(', ');
}

function whatToDo({ mailbox, blocked, conditions }: MailboxReport, phase: BlockedPhase): readonly string[] {
  // Without a worker's answer, the store still has what the failing work recorded.
  const known = blocked ?? [conditions.live, conditions.backfill].find((condition) => condition?.kind === phase);
  // The message is left out, so that a block without a remedy gets that of its phase, even when an earlier version
  // wrote the commands into the message.
  const remedy = blockedRemedy(mailbox, phase, { message: '', remedy: known?.remedy });
  const advice = remedy === null ? null : adviceOf(remedy);
  return advice === null ? [] : [advice];
}

/** What a person can do next; no line when there is nothing to do. */
function hint(report: MailboxReport): readonly string[] {
  const { phase, mailbox, workerAnswered, failingTask, blocked } = report;
  if (failingTask !== null) return [`${failingTaskWords(mailbox, failingTask)}.`];
  const noWorker = workerAnswered ? [] : [`No worker answered. ${NO_WORKER}`];
  switch (phase) {
    case 'stopped':
      return [`Start it: tidemark start ${mailbox}`];
    case 'paused':
    case 'failed':
      return [...whatToDo(report, phase), ...noWorker];
    case 'needs-consent':
      return [
        ...whatToDo(report, phase),
        ...(blocked?.retryAt === null ? [`It is paused, too. Then: tidemark resume ${mailbox}`] : []),
        ...noWorker,
      ];
    case 'full-sync':
    case 'live':
    case 'recovering':
    case 'rate-limited':
      return noWorker;
  }
}
