import { describe, expect, test } from 'vitest';
import { GoogleClock } from '../../src/gmail/api/google-clock.ts';

const START = Date.UTC(2026, 0, 10);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A machine whose own clock is wrong by `error`, and a Google whose dates are off by `odd`. */
function machine(error: number) {
  const world = { time: START, error, odd: 0 };
  const own = { now: () => world.time + world.error, sleep: async () => undefined, random: () => 0.5 };
  const clock = new GoogleClock(own, () => world.time - START + 12_345.6);
  const inSeconds = (time: number): number => Math.floor(time / 1_000) * 1_000;
  return {
    world,
    clock,
    hear: () => clock.hear(inSeconds(world.time + world.odd)),
    wrongBy: () => clock.now() - world.time,
  };
}

describe('the time that a worker goes by', () => {
  test("is Google's from the first answer on, whatever the machine says", () => {
    for (const error of [10 * MINUTE, -10 * MINUTE, DAY]) {
      const { world, hear, wrongBy } = machine(error);
      hear();
      expect(wrongBy()).toBe(0);
      world.time += 42 * MINUTE;
      expect(wrongBy()).toBe(0);
    }
  });

  test("is the machine's own before that", () => {
    const { wrongBy } = machine(10 * MINUTE);
    expect(wrongBy()).toBe(10 * MINUTE);
  });

  test('does not jump with the clock of the machine', () => {
    const { world, hear, wrongBy } = machine(0);
    hear();
    world.error = DAY;
    expect(wrongBy()).toBe(0);
    hear();
    world.error = -DAY;
    expect(wrongBy()).toBe(0);
  });

  test('is at most a second behind, and gets nearer with each answer', () => {
    const { world, hear, wrongBy } = machine(0);
    world.time += 900;
    hear();
    expect(wrongBy()).toBe(-900);
    world.time += 1_150;
    hear();
    expect(wrongBy()).toBe(-50);
    world.time += 500;
    hear();
    expect(Math.abs(wrongBy())).toBeLessThanOrEqual(51);
  });

  test('is not moved by one odd date, only by two that agree', () => {
    const { world, hear, wrongBy } = machine(10 * MINUTE);
    hear();
    for (const odd of [DAY, -DAY, DAY]) {
      world.odd = odd;
      hear();
      expect(wrongBy()).toBe(0);
    }
    world.time += MINUTE;
    hear();
    expect(wrongBy()).toBe(DAY);
  });

  test('is right at once after the machine slept, when its own clock agrees', () => {
    let time = START;
    // A clock that stands still while the machine does.
    const clock = new GoogleClock({ now: () => time, sleep: async () => undefined, random: () => 0 }, () => 1_000);
    clock.hear(time);
    time += 8 * 60 * MINUTE;
    clock.hear(time);
    expect(clock.now()).toBe(time);
  });
});
