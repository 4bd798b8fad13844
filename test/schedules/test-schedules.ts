import { expect, inject, test } from 'vitest';
import { runSchedule } from './schedule.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** How many schedules of each kind run: some in `npm test`, more in `npm run test:schedules`. */
    schedules: number;
  }
}

/** Schedules per test: enough to be worth a test, and few enough to show progress. */
const CHUNK = 20;
const PATIENCE = 240_000;

/**
 * Declares tests that run one schedule per seed. The command in a failure's message replays the failing schedule.
 * `odd`: Gmail also answers oddly.
 */
export function testSchedules({ first, odd }: { readonly first: number; readonly odd: boolean }): void {
  for (let start = first; start < first + inject('schedules'); start += CHUNK) {
    test(
      `the store equals Gmail after each of the ${odd ? 'odd ' : ''}schedules ${start} to ${start + CHUNK - 1}`,
      { timeout: PATIENCE },
      async () => {
        for (let seed = start; seed < start + CHUNK; seed++) {
          const { differences } = await runSchedule(seed, { odd });
          expect(differences, `npm run simulate-schedules -- --seed ${seed}${odd ? ' --odd' : ''}`).toEqual([]);
        }
      },
    );
  }
}
