import type { MailboxReport } from '../client/mailbox-report.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { withAdvice } from './advice.ts';
import type { Output } from './output.ts';

const LOOK_EVERY = 2_000;

/**
 * Says once, while a person waits, each thing that fails and is retried: an outage of Gmail or the database would
 * otherwise pass in silence. A failure that ends the wait (a refusal, a revoked grant) is reported by its error.
 */
export function failureNotice(out: Output): (report: Pick<MailboxReport, 'conditions'>) => void {
  const said = new Set<string>();
  return ({ conditions: { live, backfill } }) => {
    for (const condition of [live, backfill]) {
      if (condition?.kind !== 'failing' || said.has(condition.message)) continue;
      said.add(condition.message);
      if (out.draws) out.draw('');
      out.notice(`Still waiting. ${withAdvice(condition.message, condition.remedy ?? null)}`);
    }
  };
}

/**
 * Waits, and meanwhile looks for failures to report. An error of the look itself is ignored, since the wait meets it,
 * too.
 */
export async function tellingFailures<Result>(
  {
    client,
    mailbox,
    out,
    clock,
  }: {
    readonly client: Pick<TidemarkClient, 'progress'>;
    readonly mailbox: MailboxId;
    readonly out: Output;
    readonly clock: Clock;
  },
  wait: () => Promise<Result>,
): Promise<Result> {
  const ended = new AbortController();
  const tell = failureNotice(out);
  const watch = async (): Promise<never> => {
    for (;;) {
      await clock.sleep(LOOK_EVERY, ended.signal);
      tell(await client.progress(mailbox));
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
