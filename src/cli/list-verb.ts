import type { Command } from 'commander';

import { isRunning } from '../client/waiting.ts';
import { databaseUrlOf } from '../storage/open-stores.ts';
import { verb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { failingTaskWords } from './require-answerable.ts';
import { reportJson } from './report.ts';
import { shortfallLines } from './shortfall.ts';
import { count, table, timeOf } from './words.ts';

/** With thousands of mailboxes, each may have something to report. */
const MOST_LINES = 10;

export function addList(program: Command, cli: Cli): void {
  verb(program, 'list', {
    examples: ['tidemark list', 'tidemark list --json | jq -r ".mailboxes[].mailbox"'],
  }).action((options: VerbOptions) =>
    withTidemark(cli, options, async ({ tidemark, out, clock, config }) => {
      const reports = await tidemark.client.list();
      out.result({ mailboxes: reports.map((report) => reportJson(report, null)) }, () => {
        if (reports.length === 0)
          return `No mailbox is stored in ${databaseUrlOf(config)} or runs. Connect one (tidemark login EMAIL --client FILE), then start it: tidemark start EMAIL`;
        const lacking = reports.flatMap((report) => shortfallLines(report, clock.now(), { runs: isRunning(report) }));
        const stuck = reports.flatMap(({ mailbox, failingTask }) =>
          failingTask === null ? [] : [`${failingTaskWords(mailbox, failingTask)}.`],
        );
        const rows = table(
          ['MAILBOX', 'PHASE', 'STORED', 'PENDING', 'FAILED', 'GONE', 'UNITS', 'HISTORY ID', 'SYNCED'],
          reports.map(({ mailbox, phase, failingTask, counts, usage, historyId, syncedAt }) => [
            mailbox,
            failingTask === null ? phase : `${phase}, stuck`,
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
      });
    }),
  );
}

const bounded = (lines: readonly string[]): readonly string[] =>
  lines.length > MOST_LINES
    ? [...lines.slice(0, MOST_LINES), `and ${count(lines.length - MOST_LINES)} more such lines: tidemark list --json`]
    : lines;
