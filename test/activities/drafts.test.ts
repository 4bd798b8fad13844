import { afterEach, beforeEach, expect, it } from 'vitest';

import { RunningMailbox } from './running-mailbox.ts';

let ada: RunningMailbox;
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'raw', pollInterval: 5_000 });
  await ada.settle();
});
afterEach(() => ada.close());

const held = async () => [...(await ada.comparison()).held.keys()];

it('A draft that is saved over and over costs one get, once it rests', async () => {
  const before = ada.gets();
  let saved = { id: '' };
  for (let save = 0; save < 20; save++) {
    saved = ada.gmail.saveDraft('letter', `Subject: letter\r\n\r\n${'word '.repeat(save)}`);
    await ada.run(20_000);
  }
  expect(ada.gets() - before).toBe(0);
  await ada.run(61_000);
  expect(ada.gets() - before).toBe(1);
  expect(await held()).toEqual([saved.id]);
});

it('A draft that is sent as the same message is fetched at once', async () => {
  const { id } = ada.gmail.saveDraft('letter', 'Subject: letter\r\n\r\nhello');
  await ada.run(10_000);
  expect(await held()).toEqual([]);
  ada.gmail.modify([id], { remove: ['DRAFT'], add: ['SENT'] });
  await ada.run(10_000);
  expect(await held()).toEqual([id]);
});
