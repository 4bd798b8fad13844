import { expect, it } from 'vitest';

import { OWN_LABELS, OWNER, SEARCHED_AT, SEARCHED_MAIL, type SearchedMail } from '../fixtures/query/searched-mail.ts';
import { REFUSED_SEARCHES, SEARCH_CASES } from '../fixtures/query/search-cases.ts';
import { openSimulator, type ErrorBody } from '../fixtures/gmail/simulator-fixture.ts';

const DAY = 24 * 60 * 60_000;

/** The mail of the table, and the name of each message by its id. */
async function searched(options: { readonly lenient?: boolean } = {}) {
  const { clock, simulator, mailbox, user } = await openSimulator(options);
  await clock.run(async () => {
    await clock.sleep(SEARCHED_AT - clock.now());
    await user.signIn(simulator.credentialsFor(OWNER));
  });
  const labels = new Map(OWN_LABELS.map((name) => [name as string, mailbox.createLabel(name).id]));
  const names = new Map(
    Object.entries<SearchedMail>(SEARCHED_MAIL).map(([name, { raw, labelIds, ownLabels = [], daysAgo }]) => {
      const own = ownLabels.map((label) => labels.get(label) ?? '');
      const internalDate = SEARCHED_AT - daysAgo * DAY;
      return [mailbox.insert({ raw, labelIds: [...labelIds, ...own], internalDate }).id, name];
    }),
  );
  const find = async (q: string): Promise<readonly (string | undefined)[]> =>
    (await user.listAll({ q })).map((id) => names.get(id));
  return { find, user };
}

const mail = await searched();

it.each(SEARCH_CASES)('%s', async (search, found) => {
  expect(new Set(await mail.find(search))).toEqual(new Set(found));
});

it.each(REFUSED_SEARCHES)('%s is refused by its name', async (search, named) => {
  const { status, body } = await mail.user.get<ErrorBody>('messages', { q: search });
  expect(status).toBe(501);
  expect(body.error.message).toContain(named);
});

it('a lenient simulator searches for the words of what is not simulated', async () => {
  const lenient = await searched({ lenient: true });
  expect(await lenient.find('dinner has:youtube')).toEqual([]);
  expect(await lenient.find('dinner -has:youtube movie')).toEqual(['dinner']);
});
