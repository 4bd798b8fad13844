import { defineConfig } from 'vitest/config';

import { LongestFirst } from './test/fixtures/longest-first.ts';

/** Rooms whose tests mostly wait: for programs, for servers that come back, for Gmail's indexes. */
const WAITING = ['client', 'docs', 'examples', 'integration', 'push', 'start', 'telemetry', 'temporal-server'].map(
  (room) => `test/${room}/**/*.test.ts`,
);

/**
 * Tests that need a process of their own: they replace Temporal's runtime, change the environment, or measure memory.
 * All others share the modules that a process has loaded once: loading them takes longer than most tests.
 */
const ALONE = [
  'test/workflows/**/*.test.ts',
  'test/schedules/**/*.test.ts',
  'test/store/bodies/**/*.test.ts',
  ...['activities/note-condition', 'cli/connect-domain-verb', 'deliveries/send-webhook', 'gmail/answer-limits'].map(
    (name) => `test/${name}.test.ts`,
  ),
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
          include: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'sharing',
          include: ['test/**/*.test.ts'],
          // Runs of their own: vitest.production.config.ts, vitest.package.config.ts.
          exclude: ['test/production/**', 'test/package/**', ...WAITING, ...ALONE],
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
