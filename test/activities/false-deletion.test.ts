import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { messageId } from '../../src/model/ids.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let ada: RunningMailbox;
let ids: string[];
beforeEach(async () => {
  ada = await RunningMailbox.open({ format: 'raw', auditInterval: 7 * DAY, pollInterval: 60 * MINUTE });
  ids = ada.receive(5);
  await ada.settle();
});
afterEach(() => ada.close());

/** Makes the next answer of history claim that a message was deleted, although it still exists. */
function sayDeleted(id: string): void {
  let isNext = true;
  ada.transport = async (request) => {
    const answer = await ada.simulator.transport(request);
    if (!isNext || !request.url.includes('/history?')) return answer;
    isNext = false;
    const page = JSON.parse(answer.body.toString('utf8')) as { historyId: string; history?: object[] };
    const record = { id: page.historyId, messagesDeleted: [{ message: { id, threadId: id } }] };
    return { ...answer, body: Buffer.from(JSON.stringify({ ...page, history: [...(page.history ?? []), record] })) };
  };
}

const dropBodies = () => ada.stores.store.dropBuriedBodies({ now: ada.clock.now(), grace: DAY });

describe('a message that a single answer of history wrongly calls deleted', () => {
  it('keeps its body until the weekly audit has found it, and comes back without a get', async () => {
    const [there = ''] = ids;
    sayDeleted(there);
    ada.receive(1);
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect(await ada.gone()).toEqual([there]);
    await ada.run(7 * DAY);
    expect(await dropBodies()).toBe(0);
    expect((await ada.stores.store.getMailbox(ADA))?.audit).toMatchObject({
      missing: 1,
      examples: { missing: [there] },
    });
    const before = ada.calls();
    ada.lanes.dispatch({ kind: 'resync-requested' });
    await ada.settle();
    await expectExact(ada);
    expect(ada.gets(before)).toBe(0);
  });
});

it('The body of a deleted message is dropped a day after history has shown the deletion twice', async () => {
  const [deleted = ''] = ids;
  ada.gmail.deleteAll([deleted]);
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.settle();
  expect(await dropBodies()).toBe(0);
  await ada.run(DAY + MINUTE);
  expect(await dropBodies()).toBe(1);
  expect(await ada.stores.store.heldBody({ mailbox: ADA, messageId: messageId(deleted) })).toBeNull();
});
