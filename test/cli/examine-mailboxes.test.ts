import { expect, it } from 'vitest';

import { examineMailboxes } from '../../src/cli/examine-mailboxes.ts';
import { reportOf, type MailboxReport } from '../../src/client/mailbox-report.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { NO_COUNTS, NO_USAGE } from '../fixtures/product/empty-report.ts';

const NOW = Date.UTC(2026, 0, 1);

const report = (name: string, phase: MailboxReport['phase'], more: Partial<MailboxReport> = {}): MailboxReport => ({
  ...reportOf(
    mailboxId(`${name}@example.com`),
    { row: null, counts: NO_COUNTS, usage: NO_USAGE },
    {
      phase: phase === 'stopped' ? null : phase,
      status: null,
    },
  ),
  ...more,
});

it('counts the mailboxes by phase, the most frequent one first', () => {
  const [summary] = examineMailboxes([report('ada', 'failed'), report('bob', 'live'), report('eve', 'live')], NOW);
  expect(summary).toMatchObject({ state: 'ok', text: '3 mailboxes: 2 live, 1 failed.' });
});

it('says what to do where there is no mailbox yet', () => {
  expect(examineMailboxes([], NOW)).toMatchObject([{ state: 'ok', text: expect.stringContaining('tidemark login') }]);
});

it('names the mailboxes that need a person, faults before warnings, and no other', () => {
  const findings = examineMailboxes(
    [
      report('paused', 'paused'),
      report('live', 'live'),
      report('consent', 'needs-consent'),
      report('some', 'live', { counts: { ...NO_COUNTS, failed: 2 } }),
      report('stuck', 'live', { failingTask: { attempt: 9 } }),
    ],
    NOW,
  );
  expect(findings.slice(1).map(({ part, state }) => [part, state])).toEqual([
    ['consent@example.com', 'fault'],
    ['stuck@example.com', 'fault'],
    ['paused@example.com', 'warning'],
    ['some@example.com', 'warning'],
  ]);
  expect(findings[1]).toMatchObject({
    text: expect.stringContaining('consent@example.com'),
    remedy: { kind: 'connect', mailbox: 'consent@example.com' },
  });
  expect(findings[4]?.text).toContain('tidemark failures some@example.com');
});

it('names ten of many at most', () => {
  const many = Array.from({ length: 12 }, (_, index) => report(`m${index}`, 'failed'));
  const findings = examineMailboxes(many, NOW);
  expect(findings).toHaveLength(12);
  expect(findings.at(-1)).toMatchObject({ state: 'fault', text: '2 more like these: tidemark list.' });
});
