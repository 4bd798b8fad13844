import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Its own run: vitest.production.config.ts.
    exclude: ['test/production/**'],
    // One real Temporal server for all integration tests, provided by its address.
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    // Most tests wait for a server; the schedules keep both cores of the smallest machine busy.
    maxWorkers: 2,
    // A worker bundles its workflows and a server answers on the same two cores.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
