import { afterEach, describe, expect, it } from 'vitest';

import { labelId } from '../../src/model/ids.ts';
import type { SettingsChange } from '../../src/model/settings-change.ts';
import { RunningMailbox, expectExact } from './running-mailbox.ts';

let ada: RunningMailbox;
afterEach(() => ada.close());

async function synchronised(
  settings: SettingsChange,
  fill: (mailbox: RunningMailbox) => void,
): Promise<RunningMailbox> {
  ada = await RunningMailbox.open(settings);
  fill(ada);
  await ada.settle();
  await expectExact(ada);
  return ada;
}

const labels = (...ids: string[]) => ({ scope: { labelIds: ids.map(labelId) } });

describe('a mailbox whose settings change', () => {
  it('fetches exactly the messages that a wider scope adds', async () => {
    await synchronised({ format: 'raw', ...labels('STARRED') }, (mailbox) => {
      mailbox.receive(40);
      mailbox.receive(10, { labelIds: ['STARRED'] });
    });
    const before = ada.calls();
    await ada.configure(labels('STARRED', 'INBOX'));
    await expectExact(ada);
    expect(ada.gets(before)).toBe(40);
  });

  it('removes what a narrower scope leaves out, bodies too, without a get', async () => {
    await synchronised({ format: 'raw' }, (mailbox) => {
      mailbox.receive(40);
      mailbox.receive(10, { labelIds: ['STARRED'] });
    });
    const before = ada.calls();
    await ada.configure(labels('STARRED'));
    await expectExact(ada);
    expect(ada.gets(before)).toBe(0);
    expect(await ada.counts()).toMatchObject({ stored: 10, pending: 0 });
  });

  it('fetches everything in a new format at the cheapest price: by threads where they are cheaper', async () => {
    await synchronised({ format: 'raw' }, (mailbox) => {
      for (let thread = 0; thread < 5; thread++) {
        const [first] = mailbox.receive(1);
        mailbox.receive(5, { threadId: first ?? '' });
      }
    });
    const before = ada.calls();
    await ada.configure({ format: 'full' });
    await expectExact(ada);
    const { 'threads.get': threads = 0, 'messages.get': messages = 0 } = ada.calls();
    expect([threads - (before['threads.get'] ?? 0), messages - (before['messages.get'] ?? 0)]).toEqual([5, 0]);
  });

  it('fetches only spam and trash when they come into scope, and removes them when they leave it', async () => {
    await synchronised({ format: 'raw' }, (mailbox) => {
      mailbox.receive(20);
      mailbox.receive(3, { labelIds: ['SPAM'] });
      mailbox.receive(4, { labelIds: ['TRASH'] });
    });
    const before = ada.calls();
    await ada.configure({ scope: { includeSpamTrash: true } });
    await expectExact(ada);
    expect(ada.gets(before)).toBe(7);
    const wider = ada.calls();
    await ada.configure({ scope: { includeSpamTrash: false } });
    await expectExact(ada);
    // One more listing, which is cheaper than seven gets, confirms that they are out of scope.
    expect(ada.gets(wider)).toBe(0);
  });

  it('follows a later start date, and then an earlier one without a get', async () => {
    const from = Date.UTC(2026, 0, 1);
    await synchronised({ format: 'raw' }, (mailbox) => mailbox.receive(60, { from }));
    await ada.configure({ scope: { after: from + 30 * 60_000 } });
    await expectExact(ada);
    expect((await ada.counts()).stored).toBe(30);
    const before = ada.calls();
    await ada.configure({ scope: { after: from + 20 * 60_000 } });
    await expectExact(ada);
    // The bodies of removed messages are kept for a day.
    expect(ada.gets(before)).toBe(0);
  });

  it('lists nothing for a setting that touches no message', async () => {
    await synchronised({ format: 'raw' }, (mailbox) => mailbox.receive(5));
    const before = ada.calls();
    await ada.configure({ pollInterval: 5 * 60_000 });
    expect(ada.calls()['messages.list']).toBe(before['messages.list']);
    expect((await ada.stores.store.listMailboxes())[0]?.settings.pollInterval).toBe(5 * 60_000);
  });

  it('fetches only the next older messages when its limit is raised', async () => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 10 } });
    ada.receive(50);
    await ada.settle();
    expect((await ada.counts()).stored).toBe(10);
    expect(ada.gets()).toBe(10);
    const before = ada.calls();
    await ada.configure({ scope: { limit: 25 } });
    expect((await ada.counts()).stored).toBe(25);
    expect(ada.gets(before)).toBe(15);
  });

  it('removes nothing when its limit is lowered', async () => {
    await synchronised({ format: 'raw' }, (mailbox) => mailbox.receive(20));
    const { stored } = await ada.counts();
    const before = ada.calls();
    await ada.configure({ scope: { limit: 5 } });
    expect((await ada.counts()).stored).toBe(stored);
    expect(ada.gets(before)).toBe(0);
  });

  it('ends up with the last of several changes in quick succession', async () => {
    await synchronised({ format: 'raw' }, (mailbox) => mailbox.receive(30));
    ada.lanes.configure({ ...ada.lanes.state.settings, format: 'full' });
    await ada.run(5);
    ada.lanes.configure({
      ...ada.lanes.state.settings,
      format: 'raw',
      scope: { ...ada.lanes.state.settings.scope, labelIds: [labelId('STARRED')] },
    });
    await ada.run(11_000);
    await ada.configure({ scope: { labelIds: [] } });
    await expectExact(ada);
  });
});

describe('a mailbox whose scope has a limit', () => {
  it('keeps what the index showed too late for the first listing', async () => {
    ada = await RunningMailbox.open({ scope: { limit: 5 } });
    ada.gmail.lag.listMs = 20_000;
    ada.receive(1);
    await ada.clock.runUntil(() => false, 25_000);
    ada.receive(2, { from: Date.UTC(2026, 0, 1) });
    await ada.settle();
    await expectExact(ada);
    ada.receive(4);
    await ada.recover();
    await expectExact(ada);
  });

  it('keeps what the index showed late also beside newer mail, which does not count towards the limit', async () => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 5 } });
    ada.receive(4);
    await ada.clock.runUntil(() => false, 60_000);
    ada.gmail.lag.listMs = 20_000;
    ada.receive(1, { from: Date.UTC(2026, 0, 1) });
    await ada.run(5_000);
    ada.receive(7, { from: ada.clock.now() });
    await ada.settle();
    expect((await ada.counts()).stored).toBe(12);
    await expectExact(ada);
  });

  it('takes in nothing older when some of the newest are deleted before the second listing', async () => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 5 } });
    const ids = ada.receive(30);
    await ada.run(10_000);
    expect((await ada.counts()).stored).toBe(5);
    ada.gmail.deleteAll(ids.slice(-4));
    await ada.settle();
    const { held } = await ada.comparison();
    expect([...held.keys()]).toEqual(ids.slice(-5, -4));
  });

  it('takes in nothing older when the newest are deleted before all of them were fetched', async () => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 2 } });
    const ids = ada.receive(10);
    ada.simulator.faults.add({ match: { messageId: ids[9] ?? '' }, effect: { kind: 'reset' } });
    await ada.run(10_000);
    expect((await ada.counts()).stored).toBe(1);
    ada.gmail.deleteAll(ids.slice(-2));
    await ada.settle();
    expect((await ada.comparison()).held.size).toBe(0);
  });

  it.each([9, 8, 7])('syncs all other messages while message %s breaks each answer that holds it', async (which) => {
    ada = await RunningMailbox.open({ format: 'raw', scope: { limit: 2 } });
    const ids = ada.receive(10);
    const fault = ada.simulator.faults.add({ match: { messageId: ids[which] ?? '' }, effect: { kind: 'reset' } });
    await ada.run(60 * 60_000);
    const [late = ''] = ada.receive(1, { from: ada.clock.now() });
    await ada.run(60 * 60_000);
    const { held } = await ada.comparison();
    expect([...held.keys()].toSorted()).toEqual([...ids.slice(-2).filter((id) => id !== ids[which]), late].toSorted());
    fault.remove();
    await ada.run(24 * 60 * 60_000);
    const { held: mended } = await ada.comparison();
    expect([...mended.keys()].toSorted()).toEqual([...ids.slice(-2), late].toSorted());
  });

  it('fetches the newest messages of each label', async () => {
    ada = await RunningMailbox.open({
      format: 'raw',
      scope: { limit: 2, labelIds: [labelId('INBOX'), labelId('STARRED')] },
    });
    const received = (label: string, count: number): readonly string[] =>
      Array.from(
        { length: count },
        (_, at) => ada.gmail.insert({ raw: 'Subject: x', labelIds: [label], internalDate: at }).id,
      );
    const starred = received('STARRED', 4);
    const inbox = received('INBOX', 5);
    await ada.settle();
    expect(new Set((await ada.comparison()).held.keys())).toEqual(new Set([...starred.slice(-2), ...inbox.slice(-2)]));
  });
});
