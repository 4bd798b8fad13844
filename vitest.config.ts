import { defineConfig } from 'vitest/config';

import { LongestFirst } from './test/fixtures/longest-first.ts';

const filesOf = (rooms: readonly string[]): string[] => rooms.map((room) => `test/${room}/**/*.test.ts`);

/** Rooms whose tests mostly wait: for programs, for servers that come back, for Gmail's indexes. */
const WAITING = {
  alone: [
    ...filesOf(['docs', 'examples', 'push', 'start', 'telemetry', 'temporal-server']),
    'test/integration/pubsub-emulator.test.ts',
    // The SDK's workers that fail in it never end.
    'test/integration/failing-part.test.ts',
  ],
  sharing: filesOf(['client', 'integration']),
};

/** Among them, but busy: a workflow works through 10,000 signals, and Temporal gives a workflow task ten seconds. */
const BUSY = ['test/integration/many-signals.test.ts'];

/**
 * Tests that need a process of their own: they replace Temporal's runtime, change the environment, or measure memory.
 * All others share the modules that a process has loaded once: loading them takes longer than most tests.
 */
const ALONE = [
  ...BUSY,
  ...filesOf(['workflows', 'schedules', 'store/bodies']),
  ...['activities/note-condition', 'cli/connect-domain-verb', 'gmail/answer-limits'].map(
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
    provide: { schedules: 40 },
    // One queue for all: while some files wait, others compute. More processes would keep tests waiting for a core.
    maxWorkers: 5,
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: [...WAITING.alone, ...ALONE] },
      },
      {
        extends: true,
        test: {
          name: 'waiting',
          include: WAITING.sharing,
          exclude: [...WAITING.alone, ...BUSY],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'computing',
          include: ['test/**/*.test.ts'],
          // Runs of their own: vitest.production.config.ts, vitest.package.config.ts.
          exclude: ['test/production/**', 'test/package/**', ...WAITING.alone, ...WAITING.sharing, ...ALONE],
          isolate: false,
        },
      },
    ],
  },
});
