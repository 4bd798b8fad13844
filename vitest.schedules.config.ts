import { defineConfig } from 'vitest/config';

/** Many more random schedules than `npm test` runs: `npm run test:schedules`. */
export default defineConfig({
  test: {
    include: ['test/schedules/*schedules.test.ts'],
    provide: { schedules: 1_000 },
    pool: 'forks',
    maxWorkers: 2,
  },
});
