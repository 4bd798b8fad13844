import { describe, expect, it } from 'vitest';

import { auditFailure, auditWords } from '../../src/cli/audit-verb.ts';
import { mailboxId } from '../../src/model/ids.ts';

const ADA = mailboxId('ada@example.com');
const EXACT = {
  startedAt: 0,
  finishedAt: 1,
  checked: 5_000,
  missing: 0,
  extra: 0,
  differing: 0,
  unconfirmed: 0,
  examples: { missing: [], extra: [], differing: [] },
};

describe('the result of an audit', () => {
  it('says that nothing differs when the store is exact', () => {
    expect(auditWords(EXACT)).toBe('5,000 messages compared, no differences');
    expect(auditFailure(ADA, EXACT, { repaired: false })).toBeNull();
  });

  it('says what differs, and what is not confirmed', () => {
    const found = { ...EXACT, extra: 99, unconfirmed: 4_900 };
    expect(auditWords(found)).toBe(
      '5,000 messages compared: 0 missing here, 99 only here, 0 with other labels, 4,900 not confirmed',
    );
    expect(auditFailure(ADA, found, { repaired: false })).toMatchObject({
      code: 'drift',
      message: 'ada@example.com differs from Gmail in 99 messages. Repair it: tidemark audit ada@example.com --repair.',
    });
  });

  it('advises to compare once more, and then to report, when a difference remains after a repair', () => {
    expect(auditFailure(ADA, { ...EXACT, missing: 1 }, { repaired: true })).toMatchObject({
      code: 'drift',
      message:
        'ada@example.com differs from Gmail in 1 message. It was resynchronised, and differs all the same. ' +
        'Compare once more: tidemark audit ada@example.com; ' +
        "should it still differ then, report it with the worker's log.",
    });
  });

  it('advises to compare again instead of repairing when no difference is confirmed', () => {
    const found = { ...EXACT, unconfirmed: 1 };
    expect(auditWords(found)).toBe('5,000 messages compared, no confirmed differences, 1 not confirmed');
    for (const repaired of [false, true])
      expect(auditFailure(ADA, found, { repaired })).toMatchObject({
        code: 'audit-undecided',
        message:
          "Gmail's answers do not settle whether ada@example.com differs in 1 message, which mostly passes. " +
          'Compare again in some minutes: tidemark audit ada@example.com.',
      });
  });
});
