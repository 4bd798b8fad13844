import { afterEach, expect, it } from 'vitest';

import type { Reference } from '../../src/model/clock-skew.ts';
import { reportedBy } from './reported-by.ts';
import { RunningMailbox } from './running-mailbox.ts';

let ada: RunningMailbox;
afterEach(() => ada.close());

it.each([
  [
    { temporal: 600_000, gmail: 600_400.4 },
    { clockSkew: 600_000, gmailClockSkew: 600_400 },
  ],
  // As on one machine with a wrong clock, which runs the worker and the Temporal server.
  [{ temporal: 0, gmail: -600_000 }, { gmailClockSkew: -600_000 }],
  [{ temporal: -1_500, gmail: 1_500 }, { clockSkew: -1_500 }],
  [{ temporal: 999, gmail: -1_999 }, {}],
  [{ temporal: null, gmail: null }, {}],
])('an activity reports the skew %j of its worker’s clock as %j', async (measured, reported) => {
  ada = await RunningMailbox.open({ format: 'full' });
  const skew = { ahead: (against: Reference) => measured[against] };
  const { clockSkew, gmailClockSkew } = await reportedBy(ada, { skew });
  expect({ clockSkew, gmailClockSkew }).toEqual({ clockSkew: undefined, gmailClockSkew: undefined, ...reported });
});
