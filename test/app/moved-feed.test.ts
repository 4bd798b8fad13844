import { join } from 'node:path';
import { expect, it } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { followChanges } from '../../src/reading/follow-changes.ts';
import { moveStores } from '../../src/store/move/move-stores.ts';
import { closeStores, openStores, type Stores } from '../../src/store/open-store.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { deleted, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';

const folder = useFolder();

async function feedOf({ database }: Stores, after?: string) {
  const changes = [];
  const request = { follow: false, ...(after === undefined ? {} : { after }) };
  for await (const change of followChanges(database, request)) changes.push(change);
  return changes;
}

it('a move makes another feed: the target has every change, and refuses cursors of the source', async () => {
  const [from, to] = [
    await openStores(databaseAt(`sqlite:${join(folder(), 'from.db')}`)),
    await openStores(databaseAt(`sqlite:${join(folder(), 'to.db')}`)),
  ];
  const ada = new TestMailbox(from.store, mailboxId('ada@example.com'));
  await ada.put();
  await ada.save(reading('a'), reading('b'));
  await ada.apply([record(101, deleted('b'))], { generation: 0 });
  const before = await feedOf(from);
  const bodies = { url: null, over: 0, s3: { endpoint: null, region: null } };
  await moveStores({ from, to, bodies, moveBodies: false, now: 1, onProgress: () => undefined });

  const there = await feedOf(to);
  const withoutCursors = (changes: typeof before) => changes.map((change) => ({ ...change, cursor: '' }));
  expect(withoutCursors(there)).toEqual(withoutCursors(before));
  await expect(feedOf(to, before[0]?.cursor)).rejects.toThrow(/another database.*Start over/);
  expect(await feedOf(to, there[1]?.cursor)).toEqual(there.slice(2));
  await closeStores(from);
  await closeStores(to);
});
