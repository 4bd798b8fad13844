import { defineConfig } from 'vitest/config';

import { LongestFirst } from './test/fixtures/longest-first.ts';

const filesOf = (rooms: readonly string[]): string[] => rooms.map((room) => `test/${room}/**/*.test.ts`);

/** The tests of a room that need a process of their own: the others share one with other rooms. */
const namedIn = (room: string, names: readonly string[]): string[] =>
  names.map((name) => `test/${room}/${name}.test.ts`);

/** Tests that mostly wait: for programs, for servers that come back, for Gmail's indexes. */
const WAITING = {
  alone: [
    ...filesOf(['examples', 'start']),
    ...namedIn('docs', [
      'comment-examples',
      'documented-variables',
      'lasting-snippets',
      'links',
      'plugin-page',
      'reference',
      'snippets',
      'temporal',
      'webhooks-page',
    ]),
    ...namedIn('push', ['endpoint', 'pull']),
    ...namedIn('telemetry', ['logs', 'metrics', 'tracing', 'worker-health']),
    ...namedIn('temporal-server', ['ensure-temporal-server', 'owner-death', 'ports']),
    // The SDK's workers that fail in it never end.
    ...namedIn('integration', ['pubsub-emulator', 'failing-part']),
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
  ...filesOf(['store/bodies']),
  ...namedIn('workflows', ['asking-again', 'idle-push', 'long-life', 'replay']),
  ...namedIn('schedules', ['delivery-schedules', 'odd-schedules', 'schedules', 'schedules-on-postgres']),
  ...namedIn('activities', ['note-condition']),
  ...namedIn('cli', ['connect-domain-verb']),
  ...namedIn('gmail', ['answer-limits']),
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
