import { expect, test } from 'vitest';

import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { Newest } from './newest.ts';
import { createWorld } from './world.ts';

const START = Date.UTC(2026, 0, 1);

test('nothing is held beyond a limit, even if Gmail answers oddly, until a listing lacks messages', async () => {
  const world = await createWorld(1);
  world.gmail.lag.listMs = 0;
  const [older, newer] = [1, 2].map(
    (hour) => world.gmail.insert({ raw: 'Subject: a\r\n\r\na', labelIds: ['INBOX'], internalDate: START + hour }).id,
  );
  const settings = { ...DEFAULT_SETTINGS, scope: { ...DEFAULT_SETTINGS.scope, limit: 1 } };
  let hasLacked = false;
  const newest = new Newest({ ...world, settings }, { generation: () => 1, listingsLacked: () => hasLacked });
  await newest.look();
  expect(newest.mayHold(newer ?? '')).toBe(true);
  expect(newest.mayHold(older ?? '')).toBe(false);
  hasLacked = true;
  expect(newest.mayHold(older ?? '')).toBe(true);
});
