import type { MailboxReport } from '../client/mailbox-report.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Output } from './output.ts';

const LOOK_EVERY = 2_000;

/**
 * Says, while a person waits, what fails and is tried again, each once: an outage of Gmail's or of the database outlasts anybody's patience with silence. What ends the
 * wait (a refusal, a grant that ended) is said by its error.
 */
export function failureNotice(out: Output): (report: Pick<MailboxReport, 'conditions'>) => void {
  const said = new Set<string>();
  return ({ conditions: { live, backfill } }) => {
    for (const condition of [live, backfill]) {
      if (condition?.kind !== 'failing' || said.has(condition.message)) continue;
      said.add(condition.message);
      if (out.draws) out.draw('');
      out.notice(`Still waiting. ${condition.message}`);
    }
  };
}

/** Waits, and looks meanwhile whether something fails. What the look itself meets is left to the wait. */
export async function tellingFailures<Result>(
  { client, mailbox, out, clock }: { readonly client: Pick<TidemarkClient, 'progress'>; readonly mailbox: MailboxId; readonly out: Output; readonly clock: Clock },
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
