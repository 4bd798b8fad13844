import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import type { Handlers } from '../../src/deliveries/handler.ts';
import { runIdleMailbox, type IdleDays } from '../fixtures/temporal/idle-mailbox.ts';
import { openTimeSkipping } from '../fixtures/temporal/time-skipping.ts';

const DAYS = 14;
const MESSAGES = 400;
/** Two more, because the first audit writes its search attribute, once in the mailbox's life. */
const MOST = 2 * DAYS + DAYS / 7 + 2;

const total = (actions: readonly number[]): number => actions.reduce((sum, day) => sum + day, 0);

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await openTimeSkipping(inject('temporalTestServerBinary'));
});
afterAll(() => environment.teardown());

async function run(handlers: Handlers): Promise<IdleDays> {
  const bundle = await workflowBundle();
  return runIdleMailbox({ environment, bundle, days: DAYS, announcesWatches: false, messages: MESSAGES, handlers });
}

let unsubscribed: Promise<IdleDays> | null = null;
/** The same days for two tests. */
const withoutSubscriptions = (): Promise<IdleDays> => (unsubscribed ??= run({}));

test('an idle mailbox with push costs a timer and an activity a day, and an audit a week', async () => {
  const { actions, kinds, watchCalls } = await withoutSubscriptions();
  console.log(`Actions a day: ${actions.join(' ')}; ${JSON.stringify(kinds)}`);
  expect(total(actions)).toBeLessThanOrEqual(MOST);
  expect(actions.toSorted((a, b) => a - b).at(-2)).toBeLessThanOrEqual(3);
  expect(watchCalls).toBeGreaterThanOrEqual(DAYS);
  expect(kinds['signal']).toBeUndefined();
}, 120_000);

test.each([
  ['', false],
  [', also with subscriptions', true],
])(
  'an idle mailbox costs one signal a day more where Gmail announces renewals%s',
  async (_, isSubscribed) => {
    const { actions, kinds } = await runIdleMailbox({
      environment,
      bundle: await workflowBundle(),
      days: DAYS,
      announcesWatches: true,
      isSubscribed,
    });
    expect(kinds['signal']).toBe(DAYS);
    expect(kinds['activity']).toBeLessThanOrEqual(DAYS + DAYS / 7);
    // On the day of an audit the two syncs may meet: most days have three.
    expect(actions.toSorted((a, b) => a - b)[Math.floor(DAYS * 0.7)]).toBeLessThanOrEqual(3);
  },
  120_000,
);

test('a subscription costs at most 0.02 Actions a delivered change of a backfill, and none on idle days', async () => {
  const sequences: number[] = [];
  const subscribed = await run({
    crm: {
      beginning: { kind: 'first' },
      handle: (changes) => void sequences.push(...changes.map(({ sequence }) => sequence)),
    },
  });
  const { backfill } = await withoutSubscriptions();
  // Some of the generated messages are in spam or trash.
  expect(sequences.length).toBeGreaterThan(MESSAGES * 0.8);
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
  const each = (subscribed.backfill - backfill) / sequences.length;
  console.log(`${subscribed.backfill} Actions, ${backfill} without: ${each.toFixed(4)} a change`);
  expect(each).toBeLessThanOrEqual(0.02);
  expect(subscribed.kinds['delivery']).toBeUndefined();
  expect(subscribed.kinds['signal']).toBeUndefined();
  expect(total(subscribed.actions)).toBeLessThanOrEqual(MOST);
}, 120_000);
