import { defineConfig } from 'vitest/config';

/** One run from end to end of what docker-compose.yml describes: `npm run test:production`. */
export default defineConfig({
  test: {
    include: ['test/production/**/*.test.ts'],
    pool: 'forks',
    // Its steps build on each other.
    bail: 1,
    testTimeout: 180_000,
    // Building Temporal's server takes five minutes where no cache has it.
    hookTimeout: 1_500_000,
    teardownTimeout: 60_000,
  },
});
