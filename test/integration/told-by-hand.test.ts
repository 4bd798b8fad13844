import type { WorkflowExecutionDescription } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createLog } from '../../src/host/log.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const MB = 1024 * 1024;
/** The server takes 2 MB a payload: https://docs.temporal.io/self-hosted-guide/defaults */
const LARGE = 'x'.repeat(2 * MB - 1_000);
const HALF = 'x'.repeat(MB - 1_000);

const SIGNALS = [
  'poke',
  'forceResync',
  'retryFailures',
  'pause',
  'resume',
  'reconnect',
  'configure',
  'rateLimited',
  'handOver',
  'noSuchSignal',
  'status',
  '',
  '__proto__',
];
const UPDATES = [
  'sync',
  'resync',
  'audit',
  'awaitSync',
  'awaitResync',
  'awaitAudit',
  'noSuchUpdate',
  'pause',
  '__proto__',
];
const QUERIES = ['status', 'noSuchQuery', 'pause', '__proto__'];
/** Wrong, surplus and missing arguments. No signal takes one of them for a setting, or as an order to end. */
const ARGUMENTS: readonly (readonly unknown[])[] = [
  [],
  [null],
  [7, 'more', {}],
  ['now'],
  [[]],
  [{}],
  [
    {
      mailbox: 'bob@example.com',
      to: 'bob',
      until: 'noon',
      format: 'eml',
      historyId: -1,
      sync: '1',
      generation: 1.5,
      audit: null,
    },
  ],
  [{ __proto__: null, constructor: 1 }, null, null, null],
];

describe('a mailbox goes on after nonsense', () => {
  let rig: Rig;
  let box: TestMailbox;

  beforeAll(async () => {
    rig = await Rig.open('told-by-hand');
    // Forced full syncs wait for Gmail's indexes, which the hurried clock shortens.
    await rig.startWorker(createLog('silent'), hurriedClock);
    box = await rig.mailbox('told-by-hand', { messages: 5 });
    await box.start();
    await box.exact(30_000);
  });
  afterAll(() => rig.close());

  /** Expects that it still runs in this chain of runs, with its settings, and is exact about new mail. */
  async function goesOn(chain: string | undefined): Promise<void> {
    await box.handle.signal('resume');
    box.deliver('afterwards');
    await box.handle.signal('poke');
    const { phase, settings } = await box.exact(60_000);
    expect({ phase, settings }).toEqual({ phase: 'live', settings: box.settings });
    expect((await box.report()).failingTask).toBeNull();
    expect(await chainOf()).toBe(chain);
  }
  const nextRun = (runId: string): Promise<WorkflowExecutionDescription> =>
    eventually(
      30_000,
      async () => box.handle.describe().then((run) => (run.runId === runId ? null : run)),
      () => 'no new run',
    );
  const update = (name: string, [first, ...rest]: readonly unknown[]): Promise<unknown> =>
    first === undefined
      ? box.handle.executeUpdate<unknown, []>(name)
      : box.handle.executeUpdate<unknown, [unknown, ...unknown[]]>(name, { args: [first, ...rest] });
  const chainOf = async (): Promise<string | undefined> =>
    (await box.handle.describe()).raw.workflowExecutionInfo?.firstRunId ?? undefined;

  it('in every signal, with every kind of argument', async () => {
    const chain = await chainOf();
    const refused = new Set<string>();
    for (const name of SIGNALS)
      for (const args of ARGUMENTS) await box.handle.signal(name, ...args).catch(() => refused.add(name));
    // The server itself refuses a signal without a name.
    expect([...refused]).toEqual(['']);
    await goesOn(chain);
    expect(await box.workflowFailures()).toEqual([]);
  }, 90_000);

  it('in every update, of which only sync, resync and audit are answered', async () => {
    const chain = await chainOf();
    const outcomes = await Promise.all(
      UPDATES.map(async (name) => {
        const answers = new Set<string>();
        // One argument after another: the server takes at most ten updates of a workflow at once.
        for (const args of ARGUMENTS) {
          const answer = await update(name, args).then(
            () => 'answered',
            (error: { cause?: Error }) => error.cause?.message ?? 'refused',
          );
          answers.add(answer.replace(/^expected an argument like .*/, 'refused with an example'));
        }
        return [name, [...answers].join()] as const;
      }),
    );
    expect(Object.fromEntries(outcomes)).toEqual({
      sync: 'answered',
      resync: 'answered',
      audit: 'answered',
      awaitSync: 'refused with an example',
      awaitResync: 'refused with an example',
      awaitAudit: 'refused with an example',
      noSuchUpdate: 'No registered handler for update: noSuchUpdate',
      pause: 'No registered handler for update: pause',
      ['__proto__']: 'No registered handler for update: __proto__',
    });
    await goesOn(chain);
  }, 90_000);

  it('in every query, of which only status is answered', async () => {
    const chain = await chainOf();
    for (const name of QUERIES) {
      for (const args of ARGUMENTS) {
        const asked = box.handle.query(name, ...args).then(
          () => 'answered',
          () => 'refused',
        );
        expect(await asked, name).toBe(name === 'status' ? 'answered' : 'refused');
      }
    }
    await goesOn(chain);
  }, 60_000);

  it('in signals of 2 MB each', async () => {
    const chain = await chainOf();
    const { runId } = await box.handle.describe();
    await box.handle.signal('configure', { ['n'.repeat(LARGE.length)]: 1 });
    const told = await eventually(30_000, async () => (await box.report()).lastError?.message ?? null);
    expect(told).toMatch(/^the settings were not changed: there is no setting "n{99}…": expected format/);
    for (const name of SIGNALS.filter((signal) => signal !== '')) await box.handle.signal(name, LARGE);
    await goesOn(chain);
    // The next run does not carry the arguments on.
    expect((await nextRun(runId)).historySize).toBeLessThan(MB);
  }, 60_000);

  it('in signals with two arguments of 1 MB each', async () => {
    const chain = await chainOf();
    const { runId } = await box.handle.describe();
    const places: Readonly<Record<string, object>> = {
      configure: { [HALF]: 1 },
      poke: { historyId: HALF },
      rateLimited: { until: 1, message: HALF },
      handOver: { to: HALF },
    };
    for (const name of SIGNALS.filter((signal) => signal !== ''))
      await box.handle.signal(name, places[name] ?? HALF, HALF);
    await goesOn(chain);
    expect((await nextRun(runId)).historySize).toBeLessThan(MB);
  }, 60_000);

  it('in updates of 2 MB each', async () => {
    const chain = await chainOf();
    const answered: string[] = [];
    for (const name of UPDATES)
      await update(name, [LARGE]).then(
        () => answered.push(name),
        () => undefined,
      );
    expect(answered).toEqual(['sync', 'resync', 'audit']);
    await goesOn(chain);
  }, 90_000);
});
