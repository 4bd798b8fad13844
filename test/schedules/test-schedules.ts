import { expect, test } from 'vitest';
import { runSchedule } from './schedule.ts';

/** Schedules that one test runs: enough to be worth a test, few enough to see them pass. */
const CHUNK = 25;
const PATIENCE = 240_000;

/**
 * Each seed is a schedule of its own; a failing one is replayed by the command in the message. `odd`: Gmail answers
 * oddly, too.
 */
export function testSchedules(first: number, count: number, { odd = false }: { readonly odd?: boolean } = {}): void {
  for (let start = first; start < first + count; start += CHUNK) {
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
