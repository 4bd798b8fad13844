import { expect, it, onTestFinished } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { openStores } from '../../src/store/open-store.ts';
import { createDatabase, describePostgres } from '../fixtures/postgres/suite-database.ts';
import { runSchedule } from './schedule.ts';

/**
 * Far from the seeds that run in memory. Calls overlap as the server answers them, so a seed is not quite the same
 * schedule twice. No multiples of four: their bodies lie outside the database, in a place that takes virtual time
 * within a call of the store.
 */
const SEEDS = [900_001, 900_002, 900_003, 900_005];

describePostgres('the store in PostgreSQL', () => {
  it.for(SEEDS)('equals Gmail after the random schedule %i', { timeout: 120_000 }, async (seed) => {
    const database = await createDatabase();
    onTestFinished(() => database.drop());
    const { differences } = await runSchedule(seed, {
      openWorld: (place) => openStores(databaseAt(database.url), place),
    });
    expect(differences).toEqual([]);
  });
});
