import { expect, test } from 'vitest';

import { cellName, cellOf, MATRIX } from './odd-answers.ts';
import { Tally, type Outcome } from './tally.ts';

const ROUNDS = 50;
/** A refusal of users.stop, the call that a mailbox makes most rarely. */
const RARE = MATRIX.findIndex(({ method }) => method === 'stop');

/** A schedule that was exact, and that met the odd answer which it was given. */
function exact(seed: number, strikes = 1): Outcome {
  return { seed, differences: [], met: new Map([[cellName(cellOf(seed)), strikes]]), drifts: 0 };
}

/** Each cell of the matrix is given to as many schedules as there are rounds. */
function runOf(rounds: number, outcomeOf: (seed: number) => Outcome): Tally {
  const tally = new Tally({ isOdd: true });
  for (let seed = 0; seed < rounds * MATRIX.length; seed++) tally.add(outcomeOf(seed));
  return tally;
}

const isRare = (seed: number): boolean => seed % MATRIX.length === RARE;

test('a run in which every odd answer struck once holds', () => {
  const tally = runOf(ROUNDS, (seed) => exact(seed, isRare(seed) && seed >= MATRIX.length ? 0 : 1));
  expect(tally.holds).toBe(true);
  expect(tally.lines(10).at(-1)).toMatch(/^19800 schedules, 0 inexact, 1980.0 a second$/);
});

test('a run in which an odd answer never struck does not hold, and names it', () => {
  const tally = runOf(ROUNDS, (seed) => exact(seed, isRare(seed) ? 0 : 1));
  expect(tally.holds).toBe(false);
  expect(tally.lines(10).slice(-2)).toEqual([
    `  never struck in 50 schedules that it was given: ${cellName(cellOf(RARE))}`,
    '19800 schedules, 0 inexact, 1 of 396 odd answers never struck, 1980.0 a second',
  ]);
});

test('an odd answer that the rules never let a schedule draw counts as one that never struck', () => {
  const tally = runOf(ROUNDS, (seed) => (isRare(seed) ? { ...exact(seed), met: new Map() } : exact(seed)));
  expect(tally.holds).toBe(false);
});

test('a few schedules say nothing of odd answers that they did not meet', () => {
  expect(runOf(ROUNDS - 1, (seed) => exact(seed, 0)).holds).toBe(true);
});

test('a run with one inexact schedule does not hold, and names its seed', () => {
  const tally = runOf(1, (seed) => ({ ...exact(seed), differences: seed === 7 ? ['missing a1'] : [] }));
  expect(tally.holds).toBe(false);
  expect(tally.lines(10).at(-1)).toContain('1 inexact (7)');
});

test('what the sweeps of all schedules dropped is counted, and how much of it was wrong', () => {
  const tally = runOf(1, (seed) => ({
    ...exact(seed),
    dropped: { bodies: 2, returned: 1, wrong: seed === 7 ? 1 : 0 },
  }));
  expect(tally.lines(10).at(-2)).toBe(
    '  792 bodies dropped, 1 of mail that Gmail still had; 396 of mail that had come back',
  );
});
