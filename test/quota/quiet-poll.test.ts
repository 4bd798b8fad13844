import { expect, it } from 'vitest';

import { pollQuietMailbox, UNITS_OF_A_POLL } from '../fixtures/measured/quiet-poll.ts';

it('an hour of polls of a mailbox in which nothing happens costs at most 3 units a poll', async () => {
  const { polls, polling, other, differences } = await pollQuietMailbox(60);
  expect(differences).toEqual([]);
  expect(polls).toBeGreaterThanOrEqual(59);
  expect(polls).toBeLessThanOrEqual(61);
  expect(UNITS_OF_A_POLL).toBe(3);
  expect(polling / polls).toBeLessThanOrEqual(UNITS_OF_A_POLL);
  expect(other, "getProfile, which shows the account's address, is asked some four times a day").toBeLessThanOrEqual(1);
});
