import { expect, it } from 'vitest';
import { openStores } from '../../src/store/open-store.ts';
import { createDatabase, describePostgres } from '../postgres/database.ts';
import { runSchedule } from './schedule.ts';

/** Far from the seeds that run in memory. Calls overlap as the server answers them, so a seed is not quite the same schedule twice. */
const FIRST = 900_001;
const COUNT = 5;

describePostgres('the store in PostgreSQL', () => {
  it.for(Array.from({ length: COUNT }, (_, index) => FIRST + index))('equals Gmail after the random schedule %i', { timeout: 60_000 }, async (seed) => {
    const database = await createDatabase();
    const { differences } = await runSchedule(seed, null, (place) => openStores(database.url, place));
    await database.drop();
    expect(differences).toEqual([]);
  });
});
