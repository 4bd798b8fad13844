import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';

import {
  parseCount,
  parseCountFromZero,
  parseDate,
  parseEmail,
  parseFormat,
  parseInterval,
  parseIntervalOrNever,
  parsePlace,
  parsePort,
} from '../../src/cli/arguments.ts';

describe('arguments', () => {
  it.each([
    ['2025-01-31', '2025-01-31T00:00:00.000Z'],
    ['2025/1/5', '2025-01-05T00:00:00.000Z'],
    ['2025-01-31T08:00:00Z', '2025-01-31T08:00:00.000Z'],
    ['2025-01-31T08:00:00', '2025-01-31T08:00:00.000Z'],
    ['2025-01-31T08:00:00+02:00', '2025-01-31T06:00:00.000Z'],
  ])('the date %s means %s, whatever the local time zone', (text, expected) => {
    expect(new Date(parseDate(text)).toISOString()).toBe(expected);
  });

  it.each(['2025-02-30', '2025-13-01', 'yesterday', '31.01.2025', '', '2025', '2025-01-31Tnoon'])(
    '"%s" is not a date',
    (text) => {
      expect(() => parseDate(text)).toThrow(InvalidArgumentError);
    },
  );

  it('a place in a change feed is a sequence number, or the text of a cursor', () => {
    expect(['0', '1200', '1-9f86-51200-4b1f'].map(parsePlace)).toEqual([0, 1_200, '1-9f86-51200-4b1f']);
    expect(() => parsePlace('1000000000')).toThrow(InvalidArgumentError);
  });

  it('an e-mail address is put in lower case, and refused when malformed', () => {
    expect(parseEmail(' Ada@Example.COM ')).toBe('ada@example.com');
    for (const text of ['ada', '@example.com', 'ada@', 'a b@example.com', 'a@b/c'])
      expect(() => parseEmail(text), text).toThrow(InvalidArgumentError);
  });

  it('an interval is a duration from a second to a year', () => {
    expect(parseInterval('1m30s')).toBe(90_000);
    for (const text of ['0s', '999ms', '5', 'soon', '-5s', '367d', 'never'])
      expect(() => parseInterval(text), text).toThrow('from 1s to 366d');
  });

  it('an interval that may be "never" says so when it is refused', () => {
    expect([parseIntervalOrNever('7d'), parseIntervalOrNever('never')]).toEqual([604_800_000, 'never']);
    expect(() => parseIntervalOrNever('nevr')).toThrow(', or never.');
  });

  it('a count is a whole number, and the refusal names its bounds', () => {
    expect([parseCount('1000'), parseCountFromZero('0')]).toEqual([1_000, 0]);
    for (const text of ['0', '-1', '1.5', '1e3', '', '9999999999'])
      expect(() => parseCount(text), text).toThrow('from 1 to 999999999');
    for (const text of ['-3', '9999999999'])
      expect(() => parseCountFromZero(text), text).toThrow('from 0 to 999999999');
  });

  it('a port is a number from 0 to 65535', () => {
    expect([parsePort('0'), parsePort('65535')]).toEqual([0, 65_535]);
    for (const text of ['65536', '-1', 'http']) expect(() => parsePort(text), text).toThrow(InvalidArgumentError);
  });

  it("a format is one of Gmail's", () => {
    expect(parseFormat('raw')).toBe('raw');
    expect(() => parseFormat('RAW')).toThrow(/Expected one of full, raw, metadata, minimal/);
  });
});
