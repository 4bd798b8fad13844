import { expect, it } from 'vitest';

import { listings } from '../../src/gmail/api/scope-listings.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';

it.each([
  [Date.UTC(2026, 0, 1), 'after:1767225599'],
  // Before the epoch there is no number of seconds that Gmail takes.
  [0, 'after:0'],
  [-1, 'after:0'],
])('mail after %d is asked for from a second before it on: %s', (after, q) => {
  const [listing] = listings({ ...DEFAULT_SETTINGS.scope, after });
  expect(listing?.q).toBe(q);
});
