import { expect, test } from 'vitest';

import { notTakenText } from '../../src/workflows/failure-event.ts';

test('deliveries that no worker took ask for any worker for webhooks, and for the program with the handlers', () => {
  expect(notTakenText('webhook')).toMatch(/^No worker took the deliveries within an hour: no worker runs, or/);
  expect(notTakenText('delivery')).toContain('the program that has the handlers does not run');
});
