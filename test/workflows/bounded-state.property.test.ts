import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { boundedText } from '../../src/model/bounded-text.ts';
import { historyId, labelId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import type { SettingsChange } from '../../src/model/settings-change.ts';
import { configurationEvent } from '../../src/workflows/configuration-event.ts';
import { detailsOf } from '../../src/workflows/details.ts';
import { failureEvent } from '../../src/workflows/failure-event.ts';
import { pokeEvent, rateLimitedEvent } from '../../src/workflows/handler-arguments.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { transition } from '../../src/workflows/transition.ts';
import { carriedState } from '../../src/workflows/carried-state.ts';
import { initialState, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { statusOf } from '../../src/workflows/status.ts';

const NOW = 1_000_000;
const LARGEST = 64 * 1024;
const fresh = initialState({ mailbox: mailboxId('ada@example.com'), settings: DEFAULT_SETTINGS, now: NOW });

const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Texts from nothing to 200,000 characters, of one byte in JSON, of three and of six. */
const text = fc
  .tuple(
    fc.constantFrom('a', '€', '\u0001', '"', '\u{1f600}', '\uD800'),
    fc.constantFrom(0, 1, 99, 100, 999, 1_000, 1_001, 200_000),
  )
  .map(([character, times]) => character.repeat(times));
const ids = fc.oneof(
  fc.array(text, { maxLength: 3 }),
  fc
    .tuple(
      fc.constantFrom('Label_1', '€'.repeat(27), '\u0001'.repeat(27), 'x'.repeat(100)),
      fc.constantFrom(1, 40, 69, 232, 250, 251, 100_000),
    )
    .map(([id, times]) => Array<string>(times).fill(id)),
);
const argument: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.dictionary(text, text, { maxKeys: 3 }),
  fc.record({ historyId: text }),
  fc.record({ until: fc.integer(), message: text, surplus: text }),
  fc.record({ scope: fc.record({ labelIds: ids }), push: fc.record({ labelIds: ids }) }, { requiredKeys: [] }),
  fc.record({ format: text }),
);
const FAILURES = [
  'HistoryExpired',
  'StoreLost',
  'ConsentRevoked',
  'MailboxNotConnected',
  'MailboxUnavailable',
  'unknown',
];

/** The event that the handlers and the lanes make of something that comes from outside. */
type Happening = (state: MailboxState) => MailboxEvent;
const happening: fc.Arbitrary<Happening> = fc.oneof(
  argument.map(
    (sent): Happening =>
      (state) =>
        configurationEvent(state, sent as SettingsChange),
  ),
  argument.map(
    (sent): Happening =>
      () =>
        pokeEvent(sent),
  ),
  argument.map(
    (sent): Happening =>
      () =>
        rateLimitedEvent(sent) ?? { kind: 'poked' },
  ),
  fc.tuple(fc.constantFrom(...FAILURES), text, fc.boolean()).map(
    ([type, message, asked]): Happening =>
      () =>
        failureEvent(type, message, { lane: 'live', asked }),
  ),
  text.map((watchRefusal): Happening => () => ({
    kind: 'partial-synced',
    historyId: historyId('18446744073709551615'),
    changed: true,
    more: false,
    nextAttemptAt: null,
    failedAttemptAt: null,
    settleAt: null,
    stored: 1,
    pending: 0,
    failed: 0,
    watchRefusal,
  })),
);

test('whatever is sent and whatever fails, the state stays small enough to be carried on and shown', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 12 }), (happenings) => {
      const state = happenings.reduce((before, happens) => transition(before, happens(before), NOW), fresh);
      expect(bytes(state)).toBeLessThan(LARGEST);
      expect(bytes([statusOf(state), detailsOf(state)])).toBeLessThan(2 * LARGEST);
    }),
    { numRuns: 300 },
  );
});

describe('a state that an earlier version let grow', () => {
  const message = 'x'.repeat(1_900_000);
  const grown: MailboxState = {
    ...fresh,
    blocked: { kind: 'failed', message, cause: 'refusal', lane: 'live', since: 1, asks: 2, retryAt: 3 },
    rateLimited: { until: 5, message },
    lastError: { message, at: 7, mendedAt: null },
  };

  it('is bounded when it is read, and keeps all but the length of its messages', () => {
    const read = carriedState(fresh, grown);
    expect(bytes(read)).toBeLessThan(LARGEST);
    expect(read).toMatchObject({ blocked: { asks: 2, retryAt: 3 }, rateLimited: { until: 5 }, lastError: { at: 7 } });
    expect(read.lastError?.message).toMatch(/^x{999}…$/);
  });

  it('keeps its scope whole: a shorter one would remove mail', () => {
    const settings = {
      ...DEFAULT_SETTINGS,
      scope: { ...DEFAULT_SETTINGS.scope, labelIds: Array.from({ length: 9_000 }, () => labelId('Label_1')) },
    };
    expect(carriedState(fresh, { ...grown, settings }).settings).toEqual(settings);
  });
});

describe('a text that is cut', () => {
  it('ends with an ellipsis, and a short enough text is not changed', () => {
    expect([boundedText('abcde', 5), boundedText('abcdef', 5)]).toEqual(['abcde', 'abcd…']);
  });

  it('does not end with half a character', () => {
    expect(boundedText('abc\u{1f600}def', 5)).toBe('abc…');
  });
});
