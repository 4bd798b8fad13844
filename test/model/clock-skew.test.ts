import { describe, expect, test } from 'vitest';

import { measureClockSkew, skewWords } from '../../src/model/clock-skew.ts';

const MINUTE = 60_000;

/** Answers arrive every ten seconds, each after its latency. */
function worker() {
  const world = { truth: 1_000_000, skew: 0, episodes: [] as string[] };
  const skew = measureClockSkew({
    clock: { now: () => world.truth + world.skew },
    onMeasured: () => undefined,
    onEpisode: (against, ahead, isOff) => world.episodes.push(`${against} ${isOff ? skewWords(ahead) : 'right'}`),
  });
  const answers = (...latencies: number[]): number | null => {
    for (const latency of latencies) {
      const theirs = world.truth;
      world.truth += latency;
      skew.seen('temporal', theirs);
      world.truth += 10_000;
    }
    return skew.ahead('temporal');
  };
  return { world, skew, answers };
}

describe('the skew of a clock', () => {
  test('is unknown before the first answer', () => {
    expect(worker().skew.ahead('temporal')).toBeNull();
  });

  test('is 0 where the clock is right, however late answers come', () => {
    const { world, answers } = worker();
    expect(answers(5 * MINUTE, 5 * MINUTE, 5 * MINUTE, 5 * MINUTE)).toBe(0);
    expect(answers(0, 5 * MINUTE, 5 * MINUTE, 5 * MINUTE, 5 * MINUTE)).toBe(0);
    expect(world.episodes).toEqual([]);
  });

  test('is the least that the last answers show, since each takes time to arrive', () => {
    const { world, answers } = worker();
    world.skew = 10 * MINUTE;
    expect(answers(900, 200, 30, 400, 5_000)).toBe(10 * MINUTE + 30);
  });

  test('shows with the first answer when the clock is behind', () => {
    const { world, answers } = worker();
    world.skew = -10 * MINUTE;
    expect(answers(20)).toBe(-10 * MINUTE + 20);
  });

  test('is reported once an episode, and once when it is over', () => {
    const { world, answers } = worker();
    answers(0, 0, 0, 0, 0);
    world.skew = 10 * MINUTE;
    answers(0, 0, 0, 0, 0, 0, 0, 0);
    world.skew = 0;
    answers(0, 0, 0);
    world.skew = -24 * 60 * MINUTE;
    answers(0, 0);
    expect(world.episodes).toEqual(['temporal 10 minutes ahead of', 'temporal right', 'temporal 1 day behind']);
  });

  test('counts several answers of one moment as one', () => {
    const { world, skew } = worker();
    const theirs = world.truth;
    world.truth += 5 * MINUTE;
    for (let answer = 0; answer < 9; answer++) skew.seen('gmail', theirs);
    expect(skew.ahead('gmail')).toBe(0);
  });
});
