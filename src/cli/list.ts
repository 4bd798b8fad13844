import type { Command } from 'commander';

import { verb, withTidemark, type Cli, type VerbOptions } from './context.ts';
import { reportJson } from './report.ts';
import { count, table, timeOf } from './words.ts';

export function addList(program: Command, cli: Cli): void {
  verb(program, 'list', { summary: 'all mailboxes, stored or running', examples: ['tidemark list', 'tidemark list --json | jq -r ".mailboxes[].mailbox"'] }).action((options: VerbOptions) =>
    withTidemark(cli, options, async ({ tidemark, out }) => {
      const reports = await tidemark.client.list();
      out.result({ mailboxes: reports.map((report) => reportJson(report, null)) }, () => {
        if (reports.length === 0) return 'No mailboxes yet. Connect one: tidemark login EMAIL --client FILE';
        return table(
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
      });
    }),
  );
}
