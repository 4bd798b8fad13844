import type { MailboxReport } from '../client/mailbox-report.ts';
import { withAdvice } from './advice.ts';
import { ago } from './words.ts';

/** The rows of a report that say what fails, or what failed last. */
export function errorRows(report: MailboxReport, now: number): readonly (readonly [name: string, value: string])[] {
  const { conditions } = report;
  const failing = together([
    ...failingLane('live syncs', conditions.live),
    ...failingLane('backfill', conditions.backfill),
  ]);
  if (failing.length === 0) return [['last error', lastErrorWords(report, now)]];
  const until = untilRest(report);
  return failing.map(({ lane, message, since }, index) => [
    index === 0 ? 'last error' : '',
    `${until}${lane}: ${message}; since ${ago(since, now)}`,
  ]);
}

/** A stopped or paused mailbox keeps the conditions of its last attempts, but makes no attempts now. */
function untilRest({ phase }: MailboxReport): string {
  return phase === 'stopped' || phase === 'paused' ? `until it was ${phase}, ` : '';
}

interface FailingLane {
  readonly lane: string;
  readonly message: string;
  readonly since: number;
}

/** One cause often stops both lanes: then it is reported once. */
function together(failing: readonly FailingLane[]): readonly FailingLane[] {
  const [first, second] = failing;
  if (first === undefined || second === undefined || first.message !== second.message) return failing;
  return [
    { lane: `${first.lane} and ${second.lane}`, message: first.message, since: Math.min(first.since, second.since) },
  ];
}

/** A wait for quota is not an error. */
function failingLane(lane: string, condition: MailboxReport['condition']): readonly FailingLane[] {
  return condition === null || condition.kind === 'rate-limited'
    ? []
    : [{ lane, message: wordsOf(condition), since: condition.since }];
}

/** Only a failure shows its advice here: a block shows its advice in a line below the report. */
const wordsOf = ({ kind, message, remedy }: NonNullable<MailboxReport['condition']>): string =>
  kind === 'failing' ? withAdvice(message, remedy ?? null) : message;

function lastErrorWords({ lastError: error, blocked }: MailboxReport, now: number): string {
  const isOver = error === null || error.mendedAt !== null;
  // Another error may be over while this one is not.
  if (blocked?.message !== undefined && isOver) return `${blocked.message}; since ${ago(blocked.since, now)}`;
  if (error === null) return 'none';
  if (error.mendedAt !== null)
    return `none now. The last one, over since ${ago(error.mendedAt, now)}, was: ${error.message}`;
  // The advice on a blocked mailbox is beside its phase.
  const remedy = blocked === null ? (error.remedy ?? null) : null;
  return `${withAdvice(error.message, remedy)}; since ${ago(error.at, now)}`;
}
