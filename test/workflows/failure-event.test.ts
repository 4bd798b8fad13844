import { expect, test } from 'vitest';

import { notTakenText } from '../../src/workflows/failure-event.ts';

test('deliveries that no worker takes: webhooks are sent by any worker, handlers by the program that has them', () => {
  expect(notTakenText('webhook')).toMatch(/^No worker took the deliveries within an hour: no worker runs, or/);
  expect(notTakenText('delivery')).toContain('the program that has the handlers does not run');
});
