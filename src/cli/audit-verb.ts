import type { Command } from 'commander';

import type { AuditResult } from '../store/rows/mailbox-row.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import { mailboxVerb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { requireAnswerable } from './require-answerable.ts';
import { tellingFailures } from './failure-notice.ts';
import { noWorkerNotice } from './no-worker.ts';
import { count, counted } from './words.ts';

interface AuditOptions extends VerbOptions {
  readonly repair?: boolean;
}

export function addAudit(program: Command, cli: Cli): void {
  mailboxVerb(program, 'audit', {
    examples: ['tidemark audit ada@example.com', 'tidemark audit ada@example.com --repair --json'],
  })
    .option('--repair', 'resynchronise when something differs, and compare again')
    .addHelpText(
      'after',
      '\nIds and labels are compared by listings, 5 units per 500. Exit code 1: something differs, or may.',
    )
    .action((mailbox: MailboxId, options: AuditOptions) =>
      withTidemark(cli, options, async ({ tidemark: { client }, out, clock, signal, config }) => {
        const waiting = { signal, onNoWorker: noWorkerNotice(out, config) };
        const telling = <Result>(wait: () => Promise<Result>): Promise<Result> =>
          tellingFailures({ client, mailbox, out, clock }, wait);
        await requireAnswerable(client, mailbox);
        let result = await telling(() => client.audit(mailbox, waiting));
        const repaired = options.repair === true && result !== null && driftOf(result) > 0;
        if (repaired) {
          await telling(() => client.resync(mailbox, { ...waiting, wait: true }));
          result = await telling(() => client.audit(mailbox, waiting));
        }
        if (result === null)
          throw new CannotDoError(
            'mailbox-unknown',
            `The database no longer knows ${mailbox}: it was removed or renamed meanwhile, or the database was ` +
              `deleted or replaced; then everything is fetched again. See: tidemark status ${mailbox}`,
          );
        const drift = driftOf(result);
        const found = result;
        out.result({ mailbox, drift, repaired, ...found }, () => [
          `${mailbox}: ${auditWords(found)}.`,
          ...exampleLines(found),
        ]);
        const failure = auditFailure(mailbox, found, { repaired: options.repair === true });
        if (failure !== null) throw failure;
      }),
    );
}

const driftOf = ({ missing, extra, differing }: AuditResult): number => missing + extra + differing;

/** Why an audit ends with exit code 1, and what to do; null when nothing differs. */
export function auditFailure(
  mailbox: MailboxId,
  audit: AuditResult,
  { repaired }: { readonly repaired: boolean },
): CannotDoError | null {
  const drift = driftOf(audit);
  if (drift > 0) {
    const remedy = repaired
      ? `It was resynchronised, and differs all the same. Compare once more: tidemark audit ${mailbox}; ` +
        "should it still differ then, report it with the worker's log"
      : `Repair it: tidemark audit ${mailbox} --repair`;
    return new CannotDoError('drift', `${mailbox} differs from Gmail in ${counted(drift, 'message')}. ${remedy}.`);
  }
  if (audit.unconfirmed === 0) return null;
  return new CannotDoError(
    'audit-undecided',
    `Gmail's answers do not settle whether ${mailbox} differs in ${counted(audit.unconfirmed, 'message')}, ` +
      `which mostly passes. Compare again in some minutes: tidemark audit ${mailbox}.`,
  );
}

/** What an audit found, in words. */
export function auditWords(audit: AuditResult): string {
  const { checked, missing, extra, differing, unconfirmed } = audit;
  const compared = `${counted(checked, 'message')} compared`;
  const unconfirmedWords = unconfirmed === 0 ? '' : `, ${count(unconfirmed)} not confirmed`;
  if (driftOf(audit) === 0)
    return `${compared}, no ${unconfirmed === 0 ? '' : 'confirmed '}differences${unconfirmedWords}`;
  return (
    `${compared}: ${count(missing)} missing here, ${count(extra)} only here, ` +
    `${count(differing)} with other labels${unconfirmedWords}`
  );
}

function exampleLines({ examples }: AuditResult): string[] {
  return Object.entries(examples).flatMap(([kind, ids]) => (ids.length === 0 ? [] : [`  ${kind}: ${ids.join(' ')}`]));
}
