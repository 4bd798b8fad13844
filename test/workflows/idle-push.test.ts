import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { runIdleMailbox } from '../fixtures/temporal/idle-mailbox.ts';
import { openTimeSkipping } from '../fixtures/temporal/time-skipping.ts';

const DAYS = 14;

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await openTimeSkipping(inject('temporalTestServerBinary'));
});
afterAll(() => environment.teardown());

test('an idle mailbox with push: a timer and an activity a day, and an audit a week', async () => {
  const { actions, kinds, watchCalls } = await runIdleMailbox({
    environment,
    bundle: await workflowBundle(),
    days: DAYS,
    announcesWatches: false,
  });
  console.log(`Actions a day: ${actions.join(' ')}; ${JSON.stringify(kinds)}`);
  // The first audit writes its search attribute, once in the mailbox's life: two more.
  expect(actions.reduce((sum, day) => sum + day, 0)).toBeLessThanOrEqual(2 * DAYS + DAYS / 7 + 2);
  expect(actions.toSorted((a, b) => a - b).at(-2)).toBeLessThanOrEqual(3);
  expect(watchCalls).toBeGreaterThanOrEqual(DAYS);
  expect(kinds['signal']).toBeUndefined();
}, 60_000);

test.each([
  ['', false],
  [', and no more with subscriptions', true],
])(
  'where Gmail makes a notification of each renewal, a signal a day more%s',
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
