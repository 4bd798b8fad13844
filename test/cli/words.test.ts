import { describe, expect, it } from 'vitest';

import { about, ago, count, counted, renamedAccount, table } from '../../src/cli/words.ts';
import { mailboxId } from '../../src/model/ids.ts';

describe('words for a person', () => {
  it('group the digits of numbers', () => {
    expect([0, 999, 1_000, 1_234_567, 1_999.6].map(count)).toEqual(['0', '999', '1,000', '1,234,567', '2,000']);
  });

  it('put counted things in the plural', () => {
    expect([counted(1, 'mailbox'), counted(2, 'mailbox'), counted(1_000, 'change')]).toEqual([
      '1 mailbox',
      '2 mailboxes',
      '1,000 changes',
    ]);
  });

  it('round a duration to its two largest units', () => {
    expect([0, 400, 40_000, 200_000, 20_904_000, 200_000_000].map(about)).toEqual([
      '0s',
      '0s',
      '40s',
      '3m20s',
      '5h48m',
      '2d8h',
    ]);
  });

  it('say how long ago or how soon a time is', () => {
    const now = Date.UTC(2026, 10, 22, 16, 13, 20);
    expect(ago(now - 200_000, now)).toBe('2026-11-22 16:10:00Z (3m20s ago)');
    expect(ago(now + 60_000, now)).toBe('2026-11-22 16:14:20Z (in 1m)');
  });

  it('show a time that no date can hold as the last one that a date can', () => {
    expect(ago(Number.MAX_SAFE_INTEGER, 0)).toMatch(/^\+275760-09-13 00:00:00Z \(in /);
  });

  it('say what Google calls a renamed account, and how to rename the mailbox', () => {
    const [ada, countess] = [mailboxId('ada@example.com'), mailboxId('countess@example.com')];
    expect(renamedAccount(ada, countess)).toBe(
      ' Google calls its account countess@example.com now; rename it: ' +
        'tidemark rename ada@example.com countess@example.com.',
    );
    expect(renamedAccount(ada, ada)).toBe('');
  });

  it('align a table, numbers to the right', () => {
    expect(
      table(
        ['NAME', 'N'],
        [
          ['ada', '1,000'],
          ['bob@example.com', '2'],
        ],
      ),
    ).toEqual(['NAME                 N', 'ada              1,000', 'bob@example.com      2']);
  });
});
