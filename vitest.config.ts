import { defineConfig } from 'vitest/config';

import { LongestFirst } from './test/fixtures/longest-first.ts';

/** Rooms whose tests mostly wait: for programs, for servers that come back, for Gmail's indexes. */
const WAITING = ['client', 'docs', 'examples', 'integration', 'push', 'start', 'telemetry', 'temporal-server'].map(
  (room) => `test/${room}/**/*.test.ts`,
);

/**
 * Rooms whose tests touch nothing of their process: no environment, no runtime of Temporal, no memory to measure. Their
 * files share the modules that a worker has loaded once: loading them takes longer than most of these tests.
 */
const SHARING = [
  ...['config', 'model', 'simulator'].map((room) => `test/${room}/**/*.test.ts`),
  'test/gmail/!(answer-limits).test.ts',
];

export default defineConfig({
  test: {
    // One real Temporal server for all integration tests, provided by its address.
    globalSetup: ['test/fixtures/global-setup.ts'],
    pool: 'forks',
    // A worker bundles its workflows and a server answers on the same two cores.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    sequence: { sequencer: LongestFirst },
    // test/schedules: more of them in `npm run test:schedules`.
    provide: { schedules: 200 },
    // The first, then both others: each uses both cores of the smallest machine.
    projects: [
      { extends: true, test: { name: 'waiting', include: WAITING, maxWorkers: 4, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: 'computing',
          include: ['test/**/*.test.ts'],
          // Runs of their own: vitest.production.config.ts, vitest.package.config.ts.
          exclude: ['test/production/**', 'test/package/**', ...WAITING, ...SHARING],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'sharing',
          include: SHARING,
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
