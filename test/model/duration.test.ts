import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatDuration, InvalidDurationError, parseDuration } from '../../src/model/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1m5ms', 60_005],
    ['0s', 0],
  ])('reads %s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(['', '5', 'm', '5 m', '1.5h', '-5m', '5M', '30m1h', '5m5m', '99999999999999d', ' 5m'])(
    'refuses "%s" and says how a duration is written',
    (text) => {
      expect(() => parseDuration(text)).toThrow(InvalidDurationError);
      expect(() => parseDuration(text)).toThrow(`"${text}" is not a duration: write it like 500ms, 30s, 5m, 1h or 7d`);
    },
  );
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [999.9, '999ms'],
    [90_000, '1m30s'],
    [86_400_000, '1d'],
  ])('writes %d as the shortest sum of units', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it('writes every duration so that it is read back as the same', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (milliseconds) => parseDuration(formatDuration(milliseconds)) === milliseconds),
    );
  });
});
