import { randomBytes } from 'node:crypto';

import { afterEach, describe, expect, it } from 'vitest';

import type { MessageId } from '../../src/model/ids.ts';
import type { SettingsChange } from '../../src/model/settings-change.ts';
import { mailWithAttachments, type TestAttachment } from '../fixtures/gmail/mail-with-attachments.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

let ada: RunningMailbox;
afterEach(() => ada.close());

const file = (name: string, size = 300): TestAttachment => ({ name, content: randomBytes(size) });

function receive(...attachments: TestAttachment[]): string {
  return ada.gmail.insert({
    raw: mailWithAttachments({ subject: 'files', text: 'see below', attachments }),
    labelIds: ['INBOX'],
    internalDate: ada.clock.now() - 60_000,
  }).id;
}

async function opened(settings: SettingsChange = { attachments: true }): Promise<void> {
  ada = await RunningMailbox.open(settings);
}

const gets = (): number[] =>
  ['messages.get', 'threads.get', 'messages.attachments.get'].map((method) => ada.calls()[method] ?? 0);

describe('attachments', () => {
  it('are left out unless the settings ask for them', async () => {
    await opened({});
    receive(file('a.pdf'));
    await ada.settle();
    await expectExact(ada);
    expect(gets()).toEqual([1, 0, 0]);
  });

  it('cost one more get for each message that has attachments, and none for the others', async () => {
    await opened();
    receive(file('a.pdf'));
    receive(file('a.pdf'), file('b.pdf'), file('c.pdf'), file('d.pdf', 70_000));
    ada.receive(5);
    await ada.settle();
    await expectExact(ada);
    // Seven FULL gets, and two RAW ones; attachments.get would have cost five.
    expect(gets()).toEqual([9, 0, 0]);
  });

  it('are fetched one by one, without another get of the message, when the prices make that cheaper', async () => {
    await opened();
    const units = { ...ada.deps.prices.units, 'messages.attachments.get': 6 };
    Object.assign(ada.deps.prices, { units });
    receive(file('a.pdf'), file('b.pdf'), file('c.pdf'));
    receive(file('a.pdf'), file('b.pdf'), file('c.pdf'), file('d.pdf'));
    await ada.settle();
    await expectExact(ada);
    // Three cost 18, less than a RAW get; four would cost 24.
    expect(gets()).toEqual([3, 0, 3]);
  });

  it('are distinguished by their order when type and size are the same', async () => {
    await opened();
    receive({ name: 'a.txt', type: 'text/csv', content: 'one' }, { name: 'a.txt', type: 'text/csv', content: 'two' });
    await ada.settle();
    await expectExact(ada);
    expect(gets()).toEqual([2, 0, 0]);
  });

  it('that the RAW form does not give for certain are fetched by the ids of another FULL get', async () => {
    await opened();
    receive(file('a.pdf'), { name: 'lines.txt', content: 'one\r\ntwo\r\n', encoding: '8bit' });
    await ada.settle();
    await expectExact(ada);
    expect(gets()).toEqual([3, 0, 2]);
  });

  it('of a thread are fetched message by message after the thread', async () => {
    await opened();
    const first = receive(file('a.pdf'));
    const { threadId } = ada.gmail.existing(first);
    ada.receive(4, { threadId });
    await ada.settle();
    await expectExact(ada);
    expect(gets()).toEqual([1, 1, 0]);
  });

  it('are fetched once the setting asks for them, with one get for each message that has some', async () => {
    await opened({});
    receive(file('a.pdf'), file('b.pdf'));
    receive(file('a.pdf'));
    ada.receive(30);
    await ada.settle();
    const before = ada.calls();
    await ada.configure({ attachments: true });
    await expectExact(ada);
    expect(ada.gets(before)).toBe(2);
  });

  it('stay when the setting no longer asks for them, and are not fetched again when it does', async () => {
    await opened();
    receive(file('a.pdf'), file('b.pdf'));
    await ada.settle();
    const before = ada.calls();
    await ada.configure({ attachments: false });
    await ada.configure({ attachments: true });
    await expectExact(ada);
    expect(ada.gets(before)).toBe(0);
    expect(ada.calls()['messages.attachments.get']).toBe(before['messages.attachments.get']);
  });

  it('that cannot be fetched leave the message stored without them, and come once they can', async () => {
    await opened();
    const culprit = receive({ name: 'lines.txt', content: 'one\r\ntwo\r\n', encoding: '8bit' });
    ada.receive(3);
    ada.simulator.faults.add({
      match: { method: 'messages.attachments.get' },
      effect: { kind: 'status', status: 400, reason: 'invalidArgument' },
    });
    await ada.settle();
    expect(await ada.counts()).toMatchObject({ stored: 4, lacking: 1, failed: 0, pending: 0 });
    expect(await ada.stores.store.listLacking(ADA, 10)).toMatchObject([
      { id: culprit, lacks: 'attachments', error: '1 of 1 attachments: Gmail refuses: invalidArgument' },
    ]);
    ada.simulator.faults.clear();
    await ada.run(48 * 60 * 60_000);
    await expectExact(ada);
  });

  it('of a message that vanishes between its two gets leave nothing behind', async () => {
    await opened();
    const id = receive(file('a.pdf'), file('b.pdf'));
    await ada.clock.runUntil(() => false, 10);
    const settled = ada.settle();
    await ada.clock.runUntil(
      async () =>
        (await ada.stores.store.listMailboxes()).length > 0 &&
        (await ada.stores.store.heldBody({ mailbox: ADA, messageId: id as MessageId })) !== null,
      60_000,
    );
    ada.gmail.delete(id);
    await settled;
    await expectExact(ada);
    expect(await ada.counts()).toMatchObject({ stored: 0, pending: 0, failed: 0 });
    await ada.stores.store.dropBuriedBodies({ now: ada.clock.now(), grace: 0 });
    expect(await ada.stores.store.heldBody({ mailbox: ADA, messageId: id as MessageId })).toBeNull();
  });
});
