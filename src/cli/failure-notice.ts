import type { MailboxReport } from '../client/mailbox-report.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { StoreError } from '../store/engines/store-error.ts';
import { withAdvice } from './advice.ts';
import type { Output } from './output.ts';

type ReportedConditions = Pick<MailboxReport, 'conditions'>;
type PresentCondition = NonNullable<MailboxReport['condition']>;

const LOOK_EVERY = 2_000;
/** Waits for the minute's quota are frequent, and too short to mention. */
const SHORT_WAIT = 60_000;

/**
 * While a person waits, reports each failure that is retried, and each long wait for quota, once. Otherwise an outage
 * of Gmail or the database, or a daily limit, would pass in silence. A failure that ends the wait (a refusal, a revoked
 * grant) is reported by its own error.
 */
export function failureNotice(out: Output, clock: Pick<Clock, 'now'>): (report: ReportedConditions) => void {
  const said = new Set<string>();
  return ({ conditions: { live, backfill } }) => {
    for (const condition of [live, backfill]) {
      const key = condition === null ? null : noticeKey(condition, clock.now());
      if (condition === null || key === null || said.has(key)) continue;
      said.add(key);
      if (out.draws) out.draw('');
      out.notice(`Still waiting. ${withAdvice(condition.message, condition.remedy ?? null)}`);
    }
  };
}

/**
 * Of conditions with the same key, only the first is reported; null for a condition that is never reported. A limit's
 * key is its kind, because the time in its message changes.
 */
function noticeKey({ kind, message, until }: PresentCondition, now: number): string | null {
  if (kind === 'failing') return message;
  return kind === 'rate-limited' && until !== null && until - now > SHORT_WAIT ? kind : null;
}

/**
 * Waits, and meanwhile looks for failures to report. A database that cannot be read is such a failure: the wait itself
 * only asks Temporal. Another error of a look is ignored, because the wait meets the same error.
 */
export async function tellingFailures<Result>(
  {
    client,
    mailbox,
    out,
    clock,
  }: {
    readonly client: Pick<TidemarkClient, 'status'>;
    readonly mailbox: MailboxId;
    readonly out: Output;
    readonly clock: Clock;
  },
  wait: () => Promise<Result>,
): Promise<Result> {
  const ended = new AbortController();
  const tell = failureNotice(out, clock);
  const watch = async (): Promise<never> => {
    for (;;) {
      await clock.sleep(LOOK_EVERY, ended.signal);
      tell(await conditionsSeen(client, mailbox));
    }
  };
  const watching = watch().catch(() => undefined);
  try {
    return await wait();
  } finally {
    ended.abort();
    await watching;
  }
}

async function conditionsSeen(client: Pick<TidemarkClient, 'status'>, mailbox: MailboxId): Promise<ReportedConditions> {
  try {
    return await client.status(mailbox);
  } catch (error) {
    if (!(error instanceof StoreError)) return { conditions: { live: null, backfill: null } };
    const { message, remedy } = error;
    const unread = { kind: 'failing', message, since: 0, until: null, ...(remedy === null ? {} : { remedy }) } as const;
    return { conditions: { live: unread, backfill: null } };
  }
}
