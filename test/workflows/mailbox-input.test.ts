import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import type { MailboxInput } from '../../src/workflows/definitions.ts';
import { InvalidInputError, mailboxInput } from '../../src/workflows/mailbox-input.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';

const ADA = mailboxId('ada@example.com');
const ID = 'mailbox/ada@example.com';

describe('a mailbox can be started', () => {
  test.each([
    [{ mailbox: ADA }],
    [{ mailbox: ' Ada@Example.com ' }],
    [{ mailbox: ADA, settings: null, carried: null }],
    [{ mailbox: ADA, settings: {}, more: 'ignored' }],
  ])('with %j, and has the default settings where the store has none', (argument) => {
    expect(mailboxInput(argument, ID)).toEqual({ mailbox: ADA, settings: DEFAULT_SETTINGS, named: {}, carried: null });
  });

  test.each([
    [{ mailbox: ADA, settings: DEFAULT_SETTINGS, carried: null }],
    [{ mailbox: ADA, settings: { ...DEFAULT_SETTINGS, ofALaterBuild: 1 } }],
    [
      {
        mailbox: ADA,
        settings: {
          ...DEFAULT_SETTINGS,
          scope: { ...DEFAULT_SETTINGS.scope, labelIds: null },
          push: { labelIds: null },
        },
      },
    ],
  ])('with %j, and has these settings', (argument) => {
    expect(mailboxInput(argument, ID)).toEqual({
      mailbox: ADA,
      settings: DEFAULT_SETTINGS,
      named: null,
      carried: null,
    });
  });

  it('with some settings, and has the defaults for the others until the store answers', () => {
    const named = { format: 'raw', scope: { limit: 5 } };
    expect(mailboxInput({ mailbox: ADA, settings: named }, ID)).toMatchObject({
      named,
      settings: { ...DEFAULT_SETTINGS, format: 'raw', scope: { ...DEFAULT_SETTINGS.scope, limit: 5 } },
    });
  });

  it('with what an earlier run carried over', () => {
    const input: MailboxInput = {
      mailbox: ADA,
      settings: DEFAULT_SETTINGS,
      carried: initialState({ mailbox: ADA, settings: DEFAULT_SETTINGS, now: 0 }),
    };
    expect(mailboxInput(JSON.parse(JSON.stringify(input)), ID)).toEqual({ ...input, named: null });
  });
});

test.each([
  [undefined, 'no object'],
  ['ada@example.com', 'no object'],
  [[{ mailbox: ADA }], 'no object'],
  [{}, '"mailbox" must be an e-mail address'],
  [{ mailbox: 'ada' }, '"mailbox" must be an e-mail address, and is "ada"'],
  [{ mailbox: 'bob@example.com' }, 'must be "mailbox/bob@example.com" for this mailbox'],
  [{ mailbox: ADA, settings: 'raw' }, '"settings" must be an object'],
  [{ mailbox: ADA, settings: { formatt: 'raw' } }, 'there is no setting "formatt"'],
  [{ mailbox: ADA, settings: { format: 'eml' } }, 'the setting "format" is wrong'],
  [{ mailbox: ADA, carried: { stored: 5 } }, 'leave it out'],
])('the input %j is refused with what is wrong and how to start', (argument, sentence) => {
  const start = (): unknown => mailboxInput(argument, ID);
  expect(start).toThrow(sentence);
  expect(start).toThrow('{"mailbox":"ada@example.com"}');
});

it('a workflow id in upper case is refused, since a mailbox has only one workflow', () => {
  expect(() => mailboxInput({ mailbox: 'Ada@Example.com' }, 'mailbox/Ada@Example.com')).toThrow(
    'must be "mailbox/ada@example.com"',
  );
});

/** The mailbox that an input means, or the sentence that refuses it. */
function outcome(argument: unknown, workflowId: string): string {
  try {
    return mailboxInput(argument, workflowId).mailbox;
  } catch (error) {
    if (error instanceof InvalidInputError) return error.message;
    throw error;
  }
}

it('any input is either accepted or refused with a short sentence', () => {
  const some = fc.oneof(
    fc.anything(),
    fc.record(
      { mailbox: fc.oneof(fc.constant(ADA), fc.anything()), settings: fc.anything(), carried: fc.anything() },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(some, fc.oneof(fc.constant(ID), fc.string()), (argument, workflowId) => {
      const result = outcome(argument, workflowId);
      expect(result === ADA || result.startsWith('this mailbox was not started: ')).toBe(true);
      expect(result.length).toBeLessThan(2_000);
    }),
    { numRuns: 2_000 },
  );
});
