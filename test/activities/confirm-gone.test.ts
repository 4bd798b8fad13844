import { afterEach, describe, expect, it } from 'vitest';

import { confirmGone } from '../../src/activities/confirm-gone.ts';
import { messageId, threadId } from '../../src/model/ids.ts';
import type { FailedFetch, PendingMessage } from '../../src/store/fetching/fetching-store.ts';
import { openGmail, openSessions, pricesAt } from '../fixtures/gmail/gmail-fixture.ts';
import { pendingMessage } from '../fixtures/store/pending-message.ts';
import { RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;

const pending = ({ id, threadId: thread }: { id: string; threadId: string }): PendingMessage =>
  pendingMessage({ id: messageId(id), threadId: threadId(thread), attempts: 5, lastError: 'not found' });

/** The count and the error that a failed fetch leaves on a message. */
const lastOf = (failedFetch: FailedFetch | undefined): Pick<PendingMessage, 'attempts' | 'lastError'> => ({
  attempts: failedFetch?.attempts ?? 0,
  lastError: failedFetch?.error ?? null,
});

describe('a message whose own gets answer 404', () => {
  const gmail = openGmail();
  const { clock, mailbox, simulator } = gmail;
  const session = openSessions(gmail, pricesAt(1_000_000)).open('backfill');
  const receive = (thread?: string) =>
    mailbox.insert({
      raw: 'Subject: hi\r\n\r\nhello',
      labelIds: ['INBOX'],
      ...(thread === undefined ? {} : { threadId: thread }),
    });
  const confirmed = (messages: readonly PendingMessage[]) =>
    clock.run(() => confirmGone({ session, clock, signal: new AbortController().signal }, messages));
  const confirmedFirst = (...messages: { id: string; threadId: string }[]) => confirmed(messages.map(pending));

  it('is gone once its thread has not shown it in three looks either, 5 and then 30 minutes apart', async () => {
    const [alone, first] = [receive(), receive()];
    const second = receive(first.threadId);
    mailbox.delete(alone.id);
    mailbox.delete(second.id);
    let looked = await confirmedFirst(alone, second);
    for (const wait of [5 * MINUTE, 30 * MINUTE]) {
      expect(looked.map(({ state, nextAttemptAt }) => [state, nextAttemptAt - clock.now()])).toEqual([
        ['unseen', wait],
        ['unseen', wait],
      ]);
      looked = await confirmed(
        [alone, second].map((message, index) => ({ ...pending(message), ...lastOf(looked[index]) })),
      );
    }
    expect(looked.map(({ state }) => state)).toEqual(['gone', 'gone']);
  });

  it('is failed, not gone, when its thread shows it, and is retried in a minute', async () => {
    const there = receive();
    const [disputed] = await confirmedFirst(there);
    expect(disputed).toMatchObject({ state: 'failed', attempts: 6, nextAttemptAt: clock.now() + MINUTE });
  });

  it('is asked for again soon when the get of its thread fails', async () => {
    const there = receive();
    simulator.faults.add({ match: { method: 'threads.get' }, effect: { kind: 'status', status: 500 }, times: 1 });
    expect(await confirmedFirst(there)).toMatchObject([{ state: 'pending', attempts: 5, error: 'not found' }]);
  });
});

describe('held messages whose gets answer 404 for ten minutes', () => {
  let ada: RunningMailbox;
  afterEach(() => ada.close());

  it('keep their bodies, and get the new format later, even if two gets of threads answer 404, too', async () => {
    ada = await RunningMailbox.open({ format: 'full', pollInterval: MINUTE });
    const ids = ada.receive(10);
    await ada.settle();
    ada.simulator.faults.add({
      match: { method: 'messages.get' },
      effect: { kind: 'status', status: 404 },
      until: ada.clock.now() + 10 * MINUTE,
    });
    ada.simulator.faults.add({
      match: { method: 'threads.get' },
      effect: { kind: 'status', status: 404 },
      times: 2,
    });
    ada.lanes.configure({ ...ada.lanes.state.settings, format: 'raw' });
    await ada.run(9 * MINUTE);
    expect((await ada.counts()).gone).toBe(0);
    expect(await ada.clock.runUntil(async () => (await ada.counts()).stored === ids.length, 60 * MINUTE)).toBe(true);
    await expectExact(ada);
  });
});
