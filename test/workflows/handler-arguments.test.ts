import { inspect } from 'node:util';

import { describe, expect, it, test } from 'vitest';

import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import type { SettingsChange } from '../../src/model/settings-change.ts';
import { configurationEvent } from '../../src/workflows/configuration-event.ts';
import { detailsOf } from '../../src/workflows/details.ts';
import { handOverTarget, pokeEvent, rateLimitedEvent, requireNumber } from '../../src/workflows/handler-arguments.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { transition } from '../../src/workflows/transition.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';
import { statusOf } from '../../src/workflows/status.ts';

const NOW = 1_000_000;
const state = initialState({ mailbox: mailboxId('ada@example.com'), settings: DEFAULT_SETTINGS, now: NOW });
/** What a person, or a program of another kind, may send. */
const ODD: readonly unknown[] = [
  undefined,
  null,
  true,
  7,
  Number.MAX_SAFE_INTEGER,
  '',
  'now',
  [],
  [null],
  {},
  { historyId: null },
  { until: null },
  { until: 'noon' },
  { until: 1e300 },
  { scope: null },
  // As large as Temporal takes them.
  'x'.repeat(2_000_000),
  { historyId: '9'.repeat(2_000_000) },
  { until: 'x'.repeat(2_000_000) },
  { ['x'.repeat(2_000_000)]: 1 },
  { to: 'x'.repeat(2_000_000) },
  { to: 7 },
  Array.from({ length: 100_000 }, () => ({})),
];
/** Each argument after a title of readable length. */
const titled = (odd: readonly unknown[]): [string, unknown][] =>
  odd.map((argument) => [inspect(argument).slice(0, 60), argument]);

const show = (event: MailboxEvent): string => {
  const next = transition(state, event, NOW);
  return `${detailsOf(next)}${JSON.stringify(statusOf(next))}`;
};

describe('a poke', () => {
  test.each([undefined, null, 7, 'now'])('with the argument %j is a plain one', (argument) => {
    expect(pokeEvent(argument)).toEqual({ kind: 'poked' });
  });

  test.each([
    {},
    { historyId: null },
    { historyId: 12 },
    { historyId: 'abc' },
    { historyId: '-1' },
    { historyId: '99999999999999999999' },
  ])('with %j has no historyId', (argument) => {
    expect(pokeEvent(argument)).toEqual({ kind: 'notified', historyId: null });
  });

  it('of a notification gives its historyId, also above 2^53', () => {
    expect(pokeEvent({ historyId: '9007199254740993' })).toEqual({ kind: 'notified', historyId: '9007199254740993' });
  });
});

describe('a signal that Gmail limits the rate', () => {
  test.each([undefined, null, 7, {}, { until: null }, { until: 'noon' }, { until: Number.NaN }, { until: 1e300 }])(
    'is no event with the argument %j',
    (argument) => {
      expect(rateLimitedEvent(argument)).toBeNull();
    },
  );

  it('is an event with a time, a delay and a message, and nothing else of the argument', () => {
    expect(rateLimitedEvent({ until: 5, message: 'wait', kind: 'stop-requested' })).toEqual({
      kind: 'rate-limited',
      until: 5,
      message: 'wait',
    });
    expect(rateLimitedEvent({ until: 5, waitFor: 3, message: 'wait' })).toEqual({
      kind: 'rate-limited',
      until: 5,
      waitFor: 3,
      message: 'wait',
    });
    expect(rateLimitedEvent({ until: 5, waitFor: 'noon' })).toEqual({
      kind: 'rate-limited',
      until: 5,
      message: 'Gmail asks to wait',
    });
  });

  it('may name the latest possible time', () => {
    const event = rateLimitedEvent({ until: 8.64e15 });
    expect(event).toEqual({ kind: 'rate-limited', until: 8.64e15, message: 'Gmail asks to wait' });
    expect(show(event ?? { kind: 'poked' })).toContain('rate limited');
  });
});

describe('a hand-over', () => {
  test.each(
    titled([
      ...ODD,
      'bob@example.com',
      { to: null },
      { to: 7 },
      { to: '' },
      { to: 'bob' },
      { to: 'bob@example.com\u001b[2J' },
    ]),
  )('names no mailbox with the argument %s', (_, argument) => {
    expect(handOverTarget(argument)).toBeNull();
  });

  it('names the mailbox that takes over, in lower case', () => {
    expect(handOverTarget({ to: 'Bob@Example.com' })).toBe('bob@example.com');
  });
});

test.each(titled(ODD))('no signal with the argument %s makes a state that cannot be shown', (_, argument) => {
  expect(show(pokeEvent(argument))).toContain('ada@example.com');
  expect(show(configurationEvent(state, argument as SettingsChange))).toContain('ada@example.com');
  expect([rateLimitedEvent(argument)].filter((event) => event !== null).map(show)).toEqual([]);
});

describe('an update that waits for a number', () => {
  test.each(titled([...ODD, { sync: null }, { sync: '1' }, { sync: 1.5 }, { generation: 1 }]))(
    'is refused with the argument %s',
    (_, argument) => {
      expect(() => requireNumber('sync')(argument)).toThrow('{"sync":1}');
    },
  );

  it('is accepted with that number', () => {
    expect(() => requireNumber('sync')({ sync: 1 })).not.toThrow();
  });
});
