import { randomBytes } from 'node:crypto';

import { afterEach, describe, expect, it } from 'vitest';

import type { StoredMessage } from '../../src/store/reads/mail-store.ts';
import type { SettingsChange } from '../../src/model/settings-change.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { parseMessage, payloadOf } from '../../src/simulator/payload.ts';
import { mailWithAttachments, type TestAttachment } from '../fixtures/gmail/mail-with-attachments.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;
/** The poll interval of tests that run for days, since each poll costs real time. */
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let ada: RunningMailbox;
afterEach(() => ada.close());

async function opened(settings: SettingsChange): Promise<void> {
  ada = await RunningMailbox.open(settings);
}

async function messages(): Promise<ReadonlyMap<string, StoredMessage>> {
  const stored = new Map<string, StoredMessage>();
  for await (const message of ada.stores.store.streamMessages(ADA)) stored.set(message.id, message);
  return stored;
}

const without = (id: string, ...fields: string[]) =>
  ada.simulator.faults.add({
    match: { messageId: id, method: 'messages.get' },
    effect: { kind: 'replace', fields: {}, without: fields },
  });
const jsonOf = (message: StoredMessage | undefined): unknown =>
  JSON.parse(Buffer.from(message?.body ?? []).toString('utf8'));

describe('a message without raw, in a mailbox of format raw,', () => {
  it('is stored as full, marked, after two gets when it is a chat, and never fetched again', async () => {
    await opened({ format: 'raw', pollInterval: HOUR });
    const ids = ada.receive(5);
    const [chat = ''] = ada.receive(1, { labelIds: ['CHAT'] });
    without(chat, 'raw');
    await ada.settle();
    const stored = await messages();
    expect([...stored.keys()].toSorted()).toEqual([...ids, chat].toSorted());
    expect(stored.get(chat)).toMatchObject({ format: 'full', lacks: 'raw' });
    expect(jsonOf(stored.get(chat))).toMatchObject({ id: chat, payload: { headers: expect.anything() as unknown } });
    expect(ids.map((id) => stored.get(id)?.lacks)).toEqual([null, null, null, null, null]);
    expect(await ada.counts()).toMatchObject({ stored: 6, lacking: 1, pending: 0, failed: 0 });
    expect(ada.gets()).toBe(7);
    await ada.run(3 * DAY);
    expect(ada.gets()).toBe(7);
    expect(await ada.stores.store.listLacking(ADA, 10)).toEqual([
      { id: chat, lacks: 'raw', error: null, nextAttemptAt: null },
    ]);
  });

  it.each(['missing', 'cut', 'whole'] as const)(
    'is stored as full when it is a chat, unless its raw is whole (%s)',
    async (raw) => {
      await opened({ format: 'raw' });
      const [chat = ''] = ada.receive(1, { labelIds: ['CHAT'] });
      ada.gmail.chats.raw = raw;
      await ada.settle();
      expect((await messages()).get(chat)).toMatchObject(
        raw === 'whole' ? { format: 'raw', lacks: null } : { format: 'full', lacks: 'raw' },
      );
      expect(ada.gets()).toBe(raw === 'whole' ? 1 : 2);
    },
  );

  it('is fetched ever more rarely when it is no chat, and stored as raw once Gmail gives that', async () => {
    await opened({ format: 'raw', pollInterval: HOUR });
    const [id = ''] = ada.receive(1);
    const fault = ada.simulator.faults.add({
      match: { messageId: id, method: 'messages.get' },
      effect: { kind: 'replace', fields: { raw: '!' } },
    });
    await ada.settle();
    expect((await messages()).get(id)).toMatchObject({ format: 'full', lacks: 'raw' });
    expect(await ada.counts()).toMatchObject({ stored: 1, lacking: 1, pending: 0, failed: 0 });
    const first = ada.calls();
    await ada.run(DAY);
    expect(ada.gets(first), 'after ten minutes, and after six hours').toBe(2);
    const [lacking] = await ada.stores.store.listLacking(ADA, 10);
    expect(lacking).toMatchObject({ lacks: 'raw', error: 'stored as full: the answer has no usable raw' });
    expect(lacking?.nextAttemptAt).toBeGreaterThan(ada.clock.now() + DAY);
    fault.remove();
    await ada.run(3 * DAY);
    await expectExact(ada);
    expect(await ada.counts()).toMatchObject({ stored: 1, lacking: 0 });
    expect(await ada.stores.store.nextAttemptAt({ mailbox: ADA, lane: 'backfill', now: ada.clock.now() })).toBeNull();
  });

  it('is fetched at once when a person asks to try again, unless it is a chat', async () => {
    await opened({ format: 'raw' });
    const [id = ''] = ada.receive(1);
    const [chat = ''] = ada.receive(1, { labelIds: ['CHAT'] });
    ada.gmail.chats.raw = 'missing';
    ada.simulator.faults.add({
      match: { messageId: id, method: 'messages.get' },
      effect: { kind: 'replace', fields: {}, without: ['raw'] },
      times: 2,
    });
    await ada.settle();
    expect((await messages()).get(id)).toMatchObject({ format: 'full', lacks: 'raw' });
    const before = ada.calls();
    ada.lanes.dispatch({ kind: 'retry-requested' });
    await ada.run(5_000);
    expect((await messages()).get(id)).toMatchObject({ format: 'raw', lacks: null });
    expect((await messages()).get(chat)).toMatchObject({ format: 'full', lacks: 'raw' });
    expect(ada.gets(before)).toBe(1);
  });

  it('is fetched as raw twice before full stands in for it, when it is no chat', async () => {
    await opened({ format: 'raw' });
    const [once = '', never = ''] = ada.receive(2);
    ada.simulator.faults.add({
      match: { messageId: once },
      effect: { kind: 'replace', fields: {}, without: ['raw'] },
      times: 1,
    });
    ada.simulator.faults.add({
      match: { messageId: never, method: 'messages.get' },
      effect: { kind: 'replace', fields: { raw: 'cut of' } },
    });
    await ada.settle();
    const stored = await messages();
    expect(stored.get(once)).toMatchObject({ format: 'raw', lacks: null });
    expect(stored.get(never)).toMatchObject({ format: 'full', lacks: 'raw' });
    expect(ada.gets(), 'two for the one, three for the other').toBe(5);
  });

  it.each<readonly [string, Fault['effect'], string]>([
    ['400', { kind: 'status', status: 400, reason: 'failedPrecondition' }, 'Gmail refuses: failedPrecondition'],
    ['500', { kind: 'status', status: 500 }, 'Gmail answers 500'],
    ['a broken connection', { kind: 'reset' }, 'no answer'],
  ])('is stored as full when only the get of its raw fails, with %s', async (_, effect, said) => {
    await opened({ format: 'raw', pollInterval: HOUR });
    const others = ada.receive(3);
    const [id = ''] = ada.receive(1);
    const match = { messageId: id, method: 'messages.get', format: 'raw' } as const;
    const fault = ada.simulator.faults.add({ match, effect });
    await ada.settle();
    const stored = await messages();
    expect(stored.get(id)).toMatchObject({ format: 'full', lacks: 'raw' });
    expect(jsonOf(stored.get(id))).toMatchObject({ id, payload: { headers: expect.anything() as unknown } });
    expect(others.map((other) => stored.get(other)?.format)).toEqual(['raw', 'raw', 'raw']);
    expect(await ada.counts()).toMatchObject({ stored: 4, lacking: 1, pending: 0, failed: 0 });
    expect(await ada.stores.store.listLacking(ADA, 10)).toMatchObject([
      { id, lacks: 'raw', error: `stored as full: the get of its raw fails (${said})` },
    ]);
    const asked = fault.strikes;
    await ada.run(DAY);
    expect(fault.strikes - asked, 'after ten minutes, and after six hours').toBe(2);
    fault.remove();
    await ada.run(4 * DAY);
    await expectExact(ada);
    expect(await ada.counts()).toMatchObject({ stored: 4, lacking: 0 });
  });

  it('has failed when Gmail refuses its full form as well, which each later attempt asks for once', async () => {
    await opened({ format: 'raw', pollInterval: HOUR });
    const [id = ''] = ada.receive(1);
    const refusing = (format: 'raw' | 'full', reason: string) =>
      ada.simulator.faults.add({
        match: { messageId: id, method: 'messages.get', format },
        effect: { kind: 'status', status: 400, reason },
      });
    const [raw, full] = [refusing('raw', 'invalidArgument'), refusing('full', 'failedPrecondition')];
    await ada.run(DAY);
    expect(await ada.counts()).toMatchObject({ stored: 0, lacking: 0, failed: 1 });
    expect(await ada.stores.store.listFailed(ADA, 10)).toMatchObject([
      { id, error: 'Gmail refuses this message: invalidArgument' },
    ]);
    expect([raw.strikes, full.strikes]).toEqual([7, 6]);
    full.remove();
    await ada.run(2 * DAY);
    expect((await messages()).get(id)).toMatchObject({ format: 'full', lacks: 'raw' });
    expect(await ada.counts()).toMatchObject({ stored: 1, failed: 0 });
  });

  it('follows label changes and recoveries like any other, without a get of its raw', async () => {
    await opened({ format: 'raw' });
    const [chat = ''] = ada.receive(1, { labelIds: ['CHAT'] });
    without(chat, 'raw');
    await ada.settle();
    const before = ada.gets();
    ada.gmail.modify([chat], { add: ['STARRED'] });
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect((await messages()).get(chat)?.labelIds).toEqual(['CHAT', 'STARRED']);
    ada.gmail.modify([chat], { remove: ['STARRED'] });
    ada.gmail.expireHistory();
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect((await messages()).get(chat)).toMatchObject({ labelIds: ['CHAT'], format: 'full', lacks: 'raw' });
    // One MINIMAL get, which confirms that the label was removed.
    expect(ada.gets() - before).toBe(1);
  });

  it('lacks nothing once the format changes to full, which costs no get for it', async () => {
    await opened({ format: 'raw' });
    const [chat = ''] = ada.receive(1, { labelIds: ['CHAT'] });
    without(chat, 'raw');
    await ada.settle();
    const before = ada.gets();
    await ada.configure({ format: 'full' });
    expect((await messages()).get(chat)).toMatchObject({ format: 'full', lacks: null });
    expect(ada.gets() - before).toBe(0);
    await ada.configure({ format: 'raw' });
    expect((await messages()).get(chat)).toMatchObject({ format: 'full', lacks: 'raw' });
    expect(ada.gets() - before).toBe(2);
  });
});

const lines = (name: string, content: string): TestAttachment => ({ name, content, encoding: '8bit' });

/** A message with attachments that the RAW form does not give for certain: each is fetched by its id. */
function receive(...attachments: TestAttachment[]): string {
  return ada.gmail.insert({
    raw: mailWithAttachments({ subject: 'files', text: 'see below', attachments }),
    labelIds: ['INBOX'],
    internalDate: ada.clock.now() - MINUTE,
  }).id;
}

const EMPTY = { kind: 'replace', fields: { size: 0 }, without: ['data'] } as const;
const LOST = { kind: 'replace', fields: { size: 12 }, without: ['data'] } as const;

describe('an attachment', () => {
  it.each([{ size: 0 }, {}])(
    'that Gmail answers with size 0 is empty, and its message complete, when the message names %o',
    async (named) => {
      await opened({ attachments: true });
      const id = receive(lines('empty.txt', 'a\r\nb'), { name: 'a.pdf', content: randomBytes(300) });
      const { parts: [text, empty, ...others] = [], ...payload } = payloadOf(
        id,
        parseMessage(ada.gmail.existing(id).raw()).root,
      );
      const fields = {
        payload: {
          ...payload,
          parts: [text, { ...empty, body: { attachmentId: empty?.body.attachmentId, ...named } }, ...others],
        },
      };
      ada.simulator.faults.add({ match: { method: 'messages.get' }, effect: { kind: 'replace', fields } });
      ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: EMPTY, times: 1 });
      await ada.settle();
      expect((await messages()).get(id)).toMatchObject({ lacks: null });
      expect(JSON.stringify(jsonOf((await messages()).get(id)))).toContain('"data":""');
      expect(await ada.counts()).toMatchObject({ stored: 1, lacking: 0, failed: 0 });
    },
  );

  it('answered with size 0 is missing when its message names a larger size, and comes with a later get', async () => {
    await opened({ attachments: true });
    const id = receive(lines('lines.txt', 'a\r\nb'), { name: 'a.pdf', content: randomBytes(300) });
    ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: EMPTY, times: 1 });
    await ada.settle();
    expect((await messages()).get(id)).toMatchObject({ lacks: 'attachments' });
    const [lacking] = await ada.stores.store.listLacking(ADA, 10);
    expect(lacking?.error).toBe(
      '1 of 2 attachments: Gmail answers no bytes of an attachment that the message names with some',
    );
    await ada.run(30 * MINUTE);
    await expectExact(ada);
    expect(await ada.counts()).toMatchObject({ stored: 1, lacking: 0 });
  });

  it('that Gmail does not give leaves its message and the others readable, at a bounded price', async () => {
    await opened({ attachments: true });
    const id = receive(lines('one.txt', 'a\r\nb'), lines('two.txt', 'cc\r\ndd'));
    const fault = ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: LOST, times: 2 });
    await ada.settle();
    const message = (await messages()).get(id);
    expect(message).toMatchObject({ lacks: 'attachments' });
    expect(JSON.stringify(jsonOf(message))).toContain(Buffer.from('cc\r\ndd').toString('base64url'));
    expect(await ada.counts()).toMatchObject({ stored: 1, lacking: 1, pending: 0, failed: 0 });
    const [lacking] = await ada.stores.store.listLacking(ADA, 10);
    expect(lacking).toMatchObject({
      id,
      lacks: 'attachments',
      error: '1 of 2 attachments: the attachment has no data',
    });
    expect(lacking?.nextAttemptAt).toBeGreaterThan(ada.clock.now());
    // FULL, RAW, FULL again for the ids, and three of attachments: 20 units each.
    expect(['messages.get', 'messages.attachments.get'].map((method) => ada.calls()[method])).toEqual([3, 3]);
    fault.remove();
    await ada.run(30 * MINUTE);
    expect((await messages()).get(id)).toMatchObject({ lacks: null });
    expect(await ada.counts()).toMatchObject({ stored: 1, lacking: 0 });
    expect(await ada.stores.store.nextAttemptAt({ mailbox: ADA, lane: 'backfill', now: ada.clock.now() })).toBeNull();
  });

  it('that is asked for again shows that its message is gone, though history never says so', async () => {
    await opened({ attachments: true, pollInterval: HOUR, auditInterval: null });
    const id = receive(lines('one.txt', 'a\r\nb'));
    ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: LOST });
    await ada.settle();
    expect(await ada.counts()).toMatchObject({ stored: 1, lacking: 1 });
    ada.simulator.faults.add({
      match: { method: 'history.list' },
      effect: { kind: 'replace', fields: {}, without: ['history'] },
    });
    ada.gmail.deleteAll([id]);
    const before = ada.calls();
    await ada.run(DAY);
    expect(await ada.gone()).toEqual([id]);
    expect(await ada.counts()).toMatchObject({ stored: 0, gone: 1 });
    expect(ada.gets(before)).toBeLessThan(15);
  });

  it('that is asked for with the labels buries no message that seems gone for less than half an hour', async () => {
    await opened({ attachments: true, recovery: 'minimal' });
    const id = receive(lines('one.txt', 'a\r\nb'));
    ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: LOST });
    await ada.settle();
    const until = ada.clock.now() + 8 * MINUTE;
    for (const method of ['messages.get', 'threads.get'] as const)
      ada.simulator.faults.add({ match: { method }, effect: { kind: 'status', status: 404 }, until });
    ada.expire();
    await ada.run(2 * HOUR);
    expect(await ada.gone()).toEqual([]);
    expect(await ada.counts()).toMatchObject({ stored: 2, gone: 0 });
    expect((await messages()).get(id)).toMatchObject({ lacks: 'attachments' });
  });

  it('that is stored stays, and is not fetched again, while another one is missing', async () => {
    await opened({ attachments: true });
    const id = receive(lines('one.txt', 'a\r\nb'), lines('two.txt', 'cc\r\ndd'));
    const { threadId } = ada.gmail.existing(id);
    ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: LOST, times: 2 });
    await ada.settle();
    const second = Buffer.from('cc\r\ndd').toString('base64url');
    expect(JSON.stringify(jsonOf((await messages()).get(id)))).toContain(second);
    const before = ada.calls()['messages.attachments.get'] ?? 0;
    const fault = ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: LOST });
    ada.gmail.modify([id], { add: ['STARRED'] });
    ada.receive(4, { threadId });
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.run(30 * MINUTE);
    expect((ada.calls()['messages.attachments.get'] ?? 0) - before, 'one attachment, tried twice').toBe(2);
    const message = (await messages()).get(id);
    expect(message).toMatchObject({ lacks: 'attachments', labelIds: ['INBOX', 'STARRED'] });
    expect(JSON.stringify(jsonOf(message))).toContain(second);
    fault.remove();
    await ada.run(DAY);
    await expectExact(ada);
  });

  it('that is missing is fetched less and less often', async () => {
    await opened({ attachments: true, pollInterval: HOUR });
    receive(lines('one.txt', 'a\r\nb'));
    ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: LOST });
    await ada.settle();
    const spent = () =>
      ['messages.get', 'messages.attachments.get'].reduce((sum, method) => sum + 20 * (ada.calls()[method] ?? 0), 0);
    expect(spent()).toBeLessThanOrEqual(100);
    const first = spent();
    await ada.run(DAY);
    expect(spent() - first).toBeLessThanOrEqual(200);
    const second = spent();
    await ada.run(10 * DAY);
    expect(spent() - second).toBeLessThanOrEqual(100);
  });

  it('that is missing is fetched at once when a person asks to try again, or toggles the setting', async () => {
    await opened({ attachments: true });
    const id = receive(lines('one.txt', 'a\r\nb'));
    const fault = ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: LOST });
    await ada.settle();
    fault.remove();
    ada.lanes.dispatch({ kind: 'retry-requested' });
    await ada.run(5_000);
    expect((await messages()).get(id)).toMatchObject({ lacks: null });
    const other = receive(lines('two.txt', 'c\r\nd'));
    const again = ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: LOST });
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect((await messages()).get(other)).toMatchObject({ lacks: 'attachments' });
    again.remove();
    await ada.configure({ attachments: false });
    expect((await messages()).get(other)).toMatchObject({ lacks: null });
    await ada.configure({ attachments: true });
    await expectExact(ada);
  });

  it('that is missing does not keep label changes and the deletion from its message', async () => {
    await opened({ attachments: true });
    const id = receive(lines('one.txt', 'a\r\nb'));
    ada.simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: LOST });
    await ada.settle();
    ada.gmail.modify([id], { add: ['STARRED'] });
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect((await messages()).get(id)).toMatchObject({ labelIds: ['INBOX', 'STARRED'], lacks: 'attachments' });
    ada.gmail.modify([id], { add: ['SPAM'] });
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect(await ada.counts()).toMatchObject({ stored: 0, excluded: 1, lacking: 0 });
    ada.gmail.modify([id], { remove: ['SPAM'] });
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect((await messages()).get(id)).toMatchObject({ lacks: 'attachments' });
    expect(
      await ada.stores.store.nextAttemptAt({ mailbox: ADA, lane: 'backfill', now: ada.clock.now() }),
    ).toBeGreaterThan(ada.clock.now());
    ada.gmail.delete(id);
    ada.lanes.dispatch({ kind: 'poked' });
    await ada.settle();
    expect(await ada.counts()).toMatchObject({ stored: 0, gone: 1, lacking: 0 });
  });
});
