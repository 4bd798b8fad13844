import { describe, expect, it } from 'vitest';

import { leftWords, requireNoFailures, shortfallLines } from '../../src/cli/shortfall.ts';
import { reportLines } from '../../src/cli/report.ts';
import { reportOf, type MailboxReport } from '../../src/client/mailbox-report.ts';
import { IncompleteError } from '../../src/model/program-errors.ts';
import { reportFailure } from '../../src/cli/failure-report.ts';
import { mailboxId } from '../../src/model/ids.ts';

const NOW = Date.UTC(2026, 0, 10, 12);
const NOTHING = { stored: 0, pending: 0, failed: 0, gone: 0, excluded: 0, lacking: 0, backfill: 0, due: 0 };
const DOUBT = {
  since: NOW - 60_000,
  checkedAt: NOW,
  checks: 2,
  uncounted: 0,
  absent: 0,
  relabelled: 0,
  relistAt: NOW + 600_000,
};

function reportWith({ failed = 0, doubt = null }: { failed?: number; doubt?: MailboxReport['doubt'] }): MailboxReport {
  const usage = { calls: 0, units: 0, rejected: 0, failed: 0, successful: 0, methods: {} };
  return {
    ...reportOf(
      mailboxId('ada@example.com'),
      { row: null, counts: { ...NOTHING, failed }, usage },
      { phase: 'live', status: null },
    ),
    doubt,
  };
}

describe('a mailbox in sync', () => {
  it('says how many messages could not be fetched, and which command lists them', () => {
    expect(shortfallLines(reportWith({ failed: 12 }), NOW)).toEqual([
      '12 messages could not be fetched: tidemark failures ada@example.com',
    ]);
    expect(reportLines(reportWith({ failed: 12 }), null, NOW).join('\n')).toMatch(
      /failed +12 \(tried again by themselves: tidemark failures ada@example\.com\)/,
    );
  });

  it('says nothing when no message is missing', () => {
    expect(shortfallLines(reportWith({}), NOW)).toEqual([]);
  });

  it('makes a command exit with 3 when messages failed and the script asks for that', () => {
    const fails = (failed: number, failOnFailures: boolean) => (): void =>
      requireNoFailures(reportWith({ failed }), { failOnFailures });
    expect(fails(1, false)).not.toThrow();
    expect(fails(0, true)).not.toThrow();
    expect(fails(1, true)).toThrow(IncompleteError);
    expect(reportFailure(new IncompleteError('x'))).toEqual({
      code: 'messages-failed',
      message: 'x',
      lines: ['x'],
      exitCode: 3,
    });
  });
});

describe('a mailbox whose listings are doubted', () => {
  it.for([
    [
      { uncounted: 3 },
      'Gmail counts 3 messages more than it lists. Nothing is removed because of one listing alone; ' +
        'the mailbox is listed again at 2026-01-10 12:10:00Z (in 10m)',
    ],
    [
      { absent: 1, relabelled: 2 },
      'Gmail does not list 1 stored message, Gmail does not list 2 stored messages under their labels. ' +
        'Nothing is removed because of one listing alone; the mailbox is listed again at 2026-01-10 12:10:00Z (in 10m)',
    ],
    [
      { underLabels: 2 },
      'Gmail counts 2 messages more under a label than it lists there. ' +
        'Nothing is removed because of one listing alone; the mailbox is listed again at 2026-01-10 12:10:00Z (in 10m)',
    ],
    [
      { absent: 1, relistAt: null },
      'Gmail does not list 1 stored message. Nothing is removed because of one listing alone',
    ],
  ] as const)(
    'says what does not fit, that one listing removes nothing, and when it is listed again: %j',
    ([changes, words]) => {
      const report = reportWith({ doubt: { ...DOUBT, ...changes } });
      expect(shortfallLines(report, NOW)).toEqual([`Gmail's listings of ada@example.com are in doubt: ${words}`]);
      expect(reportLines(report, null, NOW).join('\n')).toMatch(/doubted +Gmail's listings, since /);
      expect(reportLines(report, null, NOW).join('\n')).toContain(words);
    },
  );

  it('reports no shortfall when mail only came and went during the listing', () => {
    const report = reportWith({ doubt: DOUBT });
    expect(shortfallLines(report, NOW)).toEqual([]);
    expect(reportLines(report, null, NOW).join('\n')).toMatch(
      new RegExp(
        String.raw`unconfirmed +Gmail's listings, since .*Nothing is known ` +
          String.raw`to be missing; the mailbox is listed again at 2026-01-10 12:10:00Z`,
      ),
    );
  });

  it('promises no new listing when it does not run', () => {
    const report = reportWith({ doubt: { ...DOUBT, absent: 1 } });
    expect(reportLines({ ...report, phase: 'needs-consent' }, null, NOW).join('\n')).toContain(
      'Nothing is removed because of one listing alone\n',
    );
    expect(shortfallLines(report, NOW, { runs: false })).toEqual([
      "Gmail's listings of ada@example.com are in doubt: Gmail does not list 1 stored message. " +
        'Nothing is removed because of one listing alone',
    ]);
  });
});

it('A sync counts what is left of the full sync apart from new mail that is not fetched yet', () => {
  expect(leftWords({ pending: 0, backfill: 0 })).toBe('');
  expect(leftWords({ pending: 5, backfill: 5 })).toBe('; 5 messages of the full sync still to fetch');
  expect(leftWords({ pending: 2, backfill: 0 })).toBe('; 2 new or changed messages still to fetch');
  expect(leftWords({ pending: 3, backfill: 2 })).toBe(
    '; 2 messages of the full sync still to fetch; 1 new or changed message still to fetch',
  );
});
