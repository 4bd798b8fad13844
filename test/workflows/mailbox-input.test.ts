import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { carriedState } from '../../src/workflows/carried-state.ts';
import type { MailboxInput } from '../../src/workflows/definitions.ts';
import { detailsOf } from '../../src/workflows/details.ts';
import { planOf } from '../../src/workflows/lane-plan.ts';
import { idleLanes } from '../../src/workflows/lane-scheduler.ts';
import { InvalidInputError, mailboxInput } from '../../src/workflows/mailbox-input.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';
import { UnreadablePayload } from '../../src/workflows/unreadable-payload.ts';
import { TODAY } from '../fixtures/temporal/todays-ways.ts';

const ADA = mailboxId('ada@example.com');
const ID = 'mailbox/ada@example.com';
const NOW = 1_800_000_000_000;
const FIRST = { workflowId: ID, now: NOW };

describe('a mailbox can be started', () => {
  test.each([
    [{ mailbox: ADA }],
    [{ mailbox: ' Ada@Example.com ' }],
    [{ mailbox: ADA, settings: null, carried: null }],
    [{ mailbox: ADA, settings: {}, more: 'ignored' }],
  ])('with %j, and has the default settings where the store has none', (argument) => {
    expect(mailboxInput(argument, FIRST)).toEqual({
      mailbox: ADA,
      settings: DEFAULT_SETTINGS,
      named: {},
      carried: null,
    });
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
    expect(mailboxInput(argument, FIRST)).toEqual({
      mailbox: ADA,
      settings: DEFAULT_SETTINGS,
      named: null,
      carried: null,
    });
  });

  it('with some settings, and has the defaults for the others until the store answers', () => {
    const named = { format: 'raw', scope: { limit: 5 } };
    expect(mailboxInput({ mailbox: ADA, settings: named }, FIRST)).toMatchObject({
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
    expect(mailboxInput(JSON.parse(JSON.stringify(input)), FIRST)).toEqual({ ...input, named: null });
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
  [
    new UnreadablePayload('json/protobuf'),
    'it must be JSON (the encoding json/plain), and has the encoding "json/protobuf"',
  ],
  [new UnreadablePayload(''), 'and has no encoding'],
  [new UnreadablePayload('json/plain'), 'the input cannot be read: it is no valid JSON'],
  [new UnreadablePayload('x'.repeat(1_000_000)), `${'x'.repeat(99)}…`],
])('the input %j is refused with what is wrong and how to start', (argument, sentence) => {
  const start = (): unknown => mailboxInput(argument, FIRST);
  expect(start).toThrow(sentence);
  expect(start).toThrow('{"mailbox":"ada@example.com"}');
});

it('a workflow id in upper case is refused, since a mailbox has only one workflow', () => {
  expect(() =>
    mailboxInput({ mailbox: 'Ada@Example.com' }, { ...FIRST, workflowId: 'mailbox/Ada@Example.com' }),
  ).toThrow('must be "mailbox/ada@example.com"');
});

/** The mailbox that an input means, once its first state can be shown and planned; or the sentence that refuses it. */
function outcome(argument: unknown, workflowId: string): string {
  try {
    const input = mailboxInput(argument, { ...FIRST, workflowId });
    const state = carriedState(initialState({ ...input, now: NOW }), input.carried);
    expect(detailsOf(state)).toContain(input.mailbox);
    expect(planOf(idleLanes(state), NOW, TODAY).wakeAt).not.toBeNaN();
    return input.mailbox;
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
