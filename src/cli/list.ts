import type { Command } from 'commander';

import { isRunning } from '../client/waiting.ts';
import { databaseUrlOf } from '../open-tidemark.ts';
import { verb, withTidemark, type Cli, type VerbOptions } from './context.ts';
import { reportJson } from './report.ts';
import { shortfallLines } from './shortfall.ts';
import { count, table, timeOf } from './words.ts';

/** Of some thousand mailboxes each may lack something. */
const MOST_LINES = 10;

export function addList(program: Command, cli: Cli): void {
  verb(program, 'list', { summary: 'all mailboxes, stored or running', examples: ['tidemark list', 'tidemark list --json | jq -r ".mailboxes[].mailbox"'] }).action((options: VerbOptions) =>
    withTidemark(cli, options, async ({ tidemark, out, clock, config }) => {
      const reports = await tidemark.client.list();
      out.result({ mailboxes: reports.map((report) => reportJson(report, null)) }, () => {
        if (reports.length === 0) return `No mailbox is stored in ${databaseUrlOf(config)} or runs. Connect one (tidemark login EMAIL --client FILE), then start it: tidemark start EMAIL`;
        const lacking = reports.flatMap((report) => shortfallLines(report, clock.now(), { runs: isRunning(report) }));
        const shown = lacking.length > MOST_LINES ? [...lacking.slice(0, MOST_LINES), `and ${count(lacking.length - MOST_LINES)} more such lines: tidemark list --json`] : lacking;
        const rows = table(
          ['MAILBOX', 'PHASE', 'STORED', 'PENDING', 'FAILED', 'GONE', 'UNITS', 'HISTORY ID', 'SYNCED'],
          reports.map(({ mailbox, phase, counts, usage, historyId, syncedAt }) => [
            mailbox,
            phase,
            count(counts.stored),
            count(counts.pending),
            count(counts.failed),
            count(counts.gone),
            count(usage.units),
            historyId ?? '-',
            syncedAt === null ? '-' : timeOf(syncedAt),
          ]),
        );
        return [...rows, ...(shown.length === 0 ? [] : ['', ...shown])];
      });
    }),
  );
}
