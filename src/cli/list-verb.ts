import type { Command } from 'commander';

import type { MailboxReport } from '../client/mailbox-report.ts';
import { isRunning } from '../client/blocked-mailbox.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import { databaseUrlOf } from '../config/database-url.ts';
import { verb, withStoresAndTemporal, type Cli, type VerbOptions } from './verb-context.ts';
import { failingTaskWords } from './require-answerable.ts';
import { reportJson } from './report.ts';
import { shortfallLines } from './shortfall.ts';
import { count, table, timeOf } from './words.ts';

/** The most lines of each kind below the table: thousands of mailboxes may have something to report. */
const MOST_LINES = 10;

export function addList(program: Command, cli: Cli): void {
  verb(program, 'list', {
    examples: ['tidemark list', 'tidemark list --json | jq -r ".mailboxes[].mailbox"'],
  })
    .addHelpText('after', '\nWithout an answer of Temporal it lists what is stored, and phases are unknown.')
    .action((options: VerbOptions) =>
      withStoresAndTemporal(cli, options, async ({ tidemark, stores: { store }, out, clock, config }) => {
        const reports = tidemark === null ? await storedReports(store, clock.now()) : await tidemark.client.list();
        const asked = tidemark !== null;
        if (!asked) out.notice('Temporal does not answer: whether the mailboxes run, and their phases, are unknown.');
        const json = reports.map((report) => ({ ...reportJson(report, null), ...(asked ? {} : { phase: null }) }));
        out.result({ mailboxes: json }, () =>
          reports.length === 0
            ? `No mailbox is stored in ${databaseUrlOf(config)}${asked ? ' or runs' : ''}. ` +
              'Connect one (tidemark login EMAIL --client FILE), then start it: tidemark start EMAIL'
            : listLines(reports, { asked, now: clock.now() }),
        );
      }),
    );
}

/** Reports from the store alone, for when no Temporal server answers. */
async function storedReports(
  store: MailboxRegistry & WorkStore & SpentUnits,
  now: number,
): Promise<readonly MailboxReport[]> {
  const { readStored, reportOf } = await import('../client/mailbox-report.ts');
  const reports: MailboxReport[] = [];
  for (const { id } of await store.listMailboxes())
    reports.push(reportOf(id, await readStored(store, id, now), { phase: null, status: null }));
  return reports;
}

function listLines(
  reports: readonly MailboxReport[],
  { asked, now }: { asked: boolean; now: number },
): readonly string[] {
  const lacking = reports.flatMap((report) => shortfallLines(report, now, { runs: asked && isRunning(report) }));
  const stuck = reports.flatMap(({ mailbox, failingTask }) =>
    failingTask === null ? [] : [`${failingTaskWords(mailbox, failingTask)}.`],
  );
  const rows = table(
    ['MAILBOX', 'PHASE', 'STORED', 'PENDING', 'FAILED', 'GONE', 'UNITS', 'HISTORY ID', 'SYNCED'],
    reports.map(({ mailbox, phase, failingTask, counts, usage, historyId, syncedAt }) => [
      mailbox,
      !asked ? 'unknown' : failingTask === null ? phase : `${phase}, stuck`,
      count(counts.stored),
      count(counts.pending),
      count(counts.failed),
      count(counts.gone),
      count(usage.units),
      historyId ?? '-',
      syncedAt === null ? '-' : timeOf(syncedAt),
    ]),
  );
  const below = [...bounded(stuck), ...bounded(lacking)];
  return [...rows, ...(below.length === 0 ? [] : ['', ...below])];
}

const bounded = (lines: readonly string[]): readonly string[] =>
  lines.length > MOST_LINES
    ? [...lines.slice(0, MOST_LINES), `and ${count(lines.length - MOST_LINES)} more such lines: tidemark list --json`]
    : lines;
