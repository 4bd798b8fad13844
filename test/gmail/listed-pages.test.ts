import { expect, it } from 'vitest';

import { listedPages } from '../../src/gmail/api/listed-pages.ts';
import type { ListMessagesQuery } from '../../src/gmail/api/gmail-api.ts';
import { ADA } from '../fixtures/gmail/gmail-fixture.ts';

const LISTING = { includeSpamTrash: false };

async function walked(nextOf: (token: string | null) => string | null) {
  const asked: ListMessagesQuery[] = [];
  const pages = listedPages(ADA, LISTING, async (query) => {
    asked.push(query);
    return { messages: [], nextPageToken: nextOf(query.pageToken) };
  });
  const ended = (async () => {
    for await (const page of pages) expect(page.messages).toEqual([]);
  })();
  return { asked, error: await ended.catch((error: unknown) => error) };
}

it('every page of a listing is read once, from the first one on', async () => {
  const { asked, error } = await walked((token) => (token === null ? 'b' : null));
  expect(error).toBeUndefined();
  expect(asked).toEqual([
    { ...LISTING, pageToken: null },
    { ...LISTING, pageToken: 'b' },
  ]);
});

it('a page that leads back to one that was read ends the listing with an error', async () => {
  const { asked, error } = await walked((token) => (token === 'b' ? 'c' : 'b'));
  expect(asked).toHaveLength(3);
  expect(error).toMatchObject({ code: 'gmail-unavailable', message: expect.stringMatching(/was read already/) });
});
