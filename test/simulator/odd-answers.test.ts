import { describe, expect, it, vi } from 'vitest';

import type { FaultEffect } from '../../src/simulator/faults.ts';
import { mailWithAttachments } from '../fixtures/gmail/mail-with-attachments.ts';
import {
  ADA,
  fill,
  openSimulator,
  plain,
  type HistoryBody,
  type IdPage,
  type MessageBody,
} from '../fixtures/gmail/simulator-fixture.ts';

describe('an omitted message', () => {
  it('is missing from listings and searches without a label, and shown by its label, gets and history', async () => {
    const { mailbox, user, clock } = await openSimulator();
    const start = mailbox.historyId;
    const [id = '', other = ''] = fill(mailbox, 2);
    const omission = mailbox.omissions.add({ messageId: id, until: clock.now() + 60_000 });
    expect(await user.listAll()).toEqual([other]);
    expect(await user.listAll({ q: 'in:inbox' })).toEqual([other]);
    expect((await user.get<{ threads: { id: string }[] }>('threads')).body.threads).toHaveLength(1);
    expect(await user.listAll({ labelIds: 'INBOX' })).toEqual([other, id]);
    expect((await user.get(`messages/${id}`)).status).toBe(200);
    expect(
      (await user.history(start)).history?.flatMap((record) => record.messages.map((message) => message.id)),
    ).toEqual([id, other]);
    expect(omission.strikes).toBe(3);
    await clock.advance(60_000);
    expect(await user.listAll()).toEqual([other, id]);
  });

  it('may be missing from the listing of one label, or from every listing, until the omission is removed', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1, ['INBOX', 'STARRED']);
    const ofLabel = mailbox.omissions.add({ messageId: id, from: 'label:STARRED' });
    expect([
      await user.listAll(),
      await user.listAll({ labelIds: 'INBOX' }),
      await user.listAll({ labelIds: 'STARRED' }),
    ]).toEqual([[id], [id], []]);
    ofLabel.remove();
    mailbox.omissions.add({ messageId: id, from: 'all' });
    expect([await user.listAll(), await user.listAll({ labelIds: 'INBOX' })]).toEqual([[], []]);
    mailbox.omissions.clear();
    expect(await user.listAll()).toEqual([id]);
  });
});

describe('an odd page', () => {
  it('may be empty, once, for one method', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const ids = fill(mailbox, 3);
    const fault = simulator.faults.add({
      match: { method: 'messages.list' },
      effect: { kind: 'empty-page' },
      times: 1,
    });
    expect((await user.get('messages', { maxResults: '2' })).body).toEqual({ resultSizeEstimate: 0 });
    expect(await user.listAll({ maxResults: '2' })).toEqual(ids.toReversed());
    expect(fault.strikes).toBe(1);
  });

  it('may be empty in history, and then still names the head', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const start = mailbox.historyId;
    fill(mailbox, 1);
    simulator.faults.add({ effect: { kind: 'empty-page' }, times: 1 });
    expect((await user.get<HistoryBody>('history', { startHistoryId: start })).body).toEqual({
      historyId: mailbox.historyId,
    });
  });

  it('may lack its nextPageToken', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const ids = fill(mailbox, 5);
    simulator.faults.add({ effect: { kind: 'cut-page' }, times: 1 });
    expect(await user.listAll({ maxResults: '2' })).toEqual(ids.toReversed().slice(0, 2));
    expect(await user.listAll({ maxResults: '2' })).toEqual(ids.toReversed());
  });

  it('may name itself as the next one, for as long as the command says', async () => {
    const { mailbox, user, simulator, clock } = await openSimulator();
    fill(mailbox, 6);
    simulator.faults.add({ effect: { kind: 'repeat-token' }, until: clock.now() + 1_000 });
    const page = async (pageToken: string): Promise<IdPage> =>
      (await user.get<IdPage>('messages', { maxResults: '2', pageToken })).body;
    const { nextPageToken: second = '' } = await page('');
    const again = await page(second);
    expect(again.nextPageToken).toBe(second);
    expect(await page(second)).toEqual(again);
    await clock.advance(1_000);
    expect((await page(second)).nextPageToken).not.toBe(second);
  });

  it('strikes only lists, even when no method is named', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    const fault = simulator.faults.add({ effect: { kind: 'empty-page' }, times: 1 });
    expect((await user.get<MessageBody>(`messages/${id}`)).body.id).toBe(id);
    expect(fault.strikes).toBe(0);
    expect((await user.get('labels')).body).toEqual({});
  });
});

describe('an empty object', () => {
  it.each(['profile', 'labels', 'messages', 'history?startHistoryId=1', 'threads'])(
    'may be the answer of %s, on its own and in a batch',
    async (path) => {
      const { mailbox, user, simulator } = await openSimulator();
      mailbox.log.expire(0);
      simulator.faults.add({ effect: { kind: 'empty-object' }, times: 2 });
      const known = path.replace('=1', `=${mailbox.historyId}`);
      expect((await user.send('GET', `/gmail/v1/users/me/${known}`)).text).toBe('{}');
      const { parts } = await user.batch([known, known]);
      expect(parts.map(({ status, json }) => [status, json === '{}'])).toEqual([
        [200, true],
        [200, false],
      ]);
      expect(simulator.usage.of(ADA).calls).toBe(3);
    },
  );

  it('may be the answer of a whole batch and of the token endpoint', async () => {
    const { user, simulator } = await openSimulator();
    for (const method of ['batch', 'token'] as const)
      simulator.faults.add({ match: { method }, effect: { kind: 'empty-object' } });
    expect(await user.batch(['profile'])).toMatchObject({ status: 200, text: '{}' });
    const { client_id, client_secret, refresh_token } = simulator.credentialsFor(ADA);
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id, client_secret, refresh_token });
    expect(await user.send('POST', '/token', form.toString())).toMatchObject({ status: 200, text: '{}' });
  });
});

describe('replaced fields', () => {
  const effect: FaultEffect = {
    kind: 'replace',
    fields: { sizeEstimate: 1e30, historyId: '18446744073709551615' },
    without: ['labelIds'],
  };

  it('take the place of one message’s own fields', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const [bad = '', good = ''] = fill(mailbox, 2);
    simulator.faults.add({ match: { messageId: bad, method: 'messages.get' }, effect });
    expect((await user.get<MessageBody>(`messages/${bad}`)).body).toMatchObject({
      id: bad,
      sizeEstimate: 1e30,
      historyId: '18446744073709551615',
    });
    expect((await user.get<MessageBody>(`messages/${bad}`)).body.labelIds).toBeUndefined();
    expect((await user.get<MessageBody>(`messages/${good}`)).body.labelIds).toEqual(['INBOX']);
  });

  it('are cut by the call’s fields parameter as the true ones are', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    simulator.faults.add({ effect });
    expect((await user.get(`messages/${id}`, { fields: 'id,historyId' })).body).toEqual({
      id,
      historyId: '18446744073709551615',
    });
  });

  it('make an attachment of zero bytes, as JSON of protocol buffers writes it', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const { id } = mailbox.insert({
      raw: mailWithAttachments({
        subject: 's',
        text: 't',
        attachments: [{ name: 'a.bin', content: 'abc', encoding: 'base64' }],
      }),
      labelIds: [],
    });
    const { payload } = (await user.get<MessageBody>(`messages/${id}`)).body;
    const attachmentId = payload?.parts?.[1]?.body?.attachmentId ?? '';
    simulator.faults.add({
      match: { method: 'messages.attachments.get' },
      effect: { kind: 'replace', fields: { size: 0 }, without: ['data'] },
    });
    expect((await user.get(`messages/${id}/attachments/${attachmentId}`)).body).toEqual({ size: 0 });
  });
});

interface LabelTotalsBody {
  readonly messagesTotal: number;
  readonly messagesUnread: number;
  readonly threadsTotal: number;
  readonly threadsUnread: number;
}

describe('a label', () => {
  interface LabelPage {
    readonly labels: readonly { readonly id: string }[];
  }
  const listed = async ({ user }: Awaited<ReturnType<typeof openSimulator>>): Promise<string[]> =>
    (await user.get<LabelPage>('labels')).body.labels.map(({ id }) => id);

  it('may be missing from labels.list while messages carry it, and from labels.get or not', async () => {
    const fixture = await openSimulator();
    const { mailbox, user, clock } = fixture;
    const { id: label } = mailbox.createLabel('Work');
    const [id = ''] = fill(mailbox, 1, [label]);
    mailbox.labelBook.unlist(label, { get: 'answers' });
    expect(await listed(fixture)).not.toContain(label);
    expect((await user.get<LabelTotalsBody>(`labels/${label}`)).body.messagesTotal).toBe(1);
    expect(await user.listAll({ labelIds: label })).toEqual([id]);
    expect((await user.get<MessageBody>(`messages/${id}`)).body.labelIds).toEqual([label]);
    mailbox.labelBook.unlist(label, { get: 'missing', until: clock.now() + 1_000 });
    expect((await user.get(`labels/${label}`)).status).toBe(404);
    expect(mailbox.labels().map((each) => each.id)).toContain(label);
    await clock.advance(1_000);
    expect(await listed(fixture)).toContain(label);
    mailbox.labelBook.unlist(label, { get: 'answers' });
    mailbox.labelBook.relist(label);
    expect(await listed(fixture)).toContain(label);
  });

  it('may be deleted without a record in history', async () => {
    const { mailbox, user } = await openSimulator();
    const { id: label } = mailbox.createLabel('Work');
    const [id = ''] = fill(mailbox, 1, ['INBOX', label]);
    const before = await user.get<MessageBody>(`messages/${id}`);
    const head = mailbox.historyId;
    mailbox.deleteLabel(label, { silent: true });
    expect(mailbox.historyId).toBe(head);
    expect((await user.get<MessageBody>(`messages/${id}`)).body).toEqual({ ...before.body, labelIds: ['INBOX'] });
    expect((await user.get(`labels/${label}`)).status).toBe(404);
    expect((await user.get('messages', { labelIds: label })).status).toBe(400);
  });
});

describe('totals', () => {
  it('count what exists, spam and trash included or not', async () => {
    const { mailbox, user } = await openSimulator();
    const { threadId } = mailbox.insert({ raw: plain('a'), labelIds: ['STARRED', 'UNREAD'] });
    mailbox.insert({ raw: plain('b'), labelIds: ['STARRED'], threadId });
    mailbox.insert({ raw: plain('c'), labelIds: ['STARRED', 'TRASH'] });
    const totals = async (): Promise<LabelTotalsBody> => (await user.get<LabelTotalsBody>('labels/STARRED')).body;
    expect(await totals()).toMatchObject({ messagesTotal: 3, messagesUnread: 1, threadsTotal: 2, threadsUnread: 1 });
    mailbox.totalsOff.spamTrash = false;
    expect(await totals()).toMatchObject({ messagesTotal: 2, messagesUnread: 1, threadsTotal: 1, threadsUnread: 1 });
    mailbox.insert({ raw: plain('d'), labelIds: ['STARRED'] });
    expect((await totals()).messagesTotal).toBe(3);
    expect((await user.get('labels/CHAT')).body).toMatchObject({ messagesTotal: 0, threadsTotal: 0 });
  });

  it('may be off by as much as the command says, though never below zero', async () => {
    const { mailbox, user } = await openSimulator();
    fill(mailbox, 2);
    mailbox.totalsOff.profile = 3;
    mailbox.totalsOff.labels = { INBOX: -5, STARRED: 1 };
    expect((await user.get('profile')).body).toMatchObject({ messagesTotal: 5, threadsTotal: 2 });
    expect((await user.get('labels/INBOX')).body).toMatchObject({ messagesTotal: 0 });
    expect((await user.get('labels/STARRED')).body).toMatchObject({ messagesTotal: 1 });
  });

  it('of all labels are counted in one pass over the mailbox, for a unit each', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    fill(mailbox, 10);
    const passes = vi.spyOn(mailbox, 'all');
    for (const { id } of mailbox.labels()) await user.get(`labels/${id}`);
    expect(passes).toHaveBeenCalledTimes(1);
    expect(simulator.usage.units).toBe(mailbox.labels().length);
  });
});

describe('a chat', () => {
  it.each(['missing', 'cut'] as const)('may have a raw form that is %s, and a full one with its text', async (raw) => {
    const { mailbox, user } = await openSimulator();
    const text = plain('chat', 'see you at noon');
    const chat = mailbox.insert({ raw: text, labelIds: ['CHAT'] }).id;
    const mail = mailbox.insert({ raw: text, labelIds: [] }).id;
    const get = async (id: string, format: string): Promise<MessageBody> =>
      (await user.get<MessageBody>(`messages/${id}`, { format })).body;
    const bytes = Buffer.from(text);
    mailbox.chats.raw = raw;
    expect(Buffer.from((await get(mail, 'raw')).raw ?? '', 'base64url')).toEqual(bytes);
    const answered = (await get(chat, 'raw')).raw;
    expect(answered === undefined ? undefined : Buffer.from(answered, 'base64url')).toEqual(
      raw === 'missing' ? undefined : bytes.subarray(0, bytes.length >> 1),
    );
    const { payload, labelIds } = await get(chat, 'full');
    expect([labelIds, Buffer.from(payload?.body?.data ?? '', 'base64url').toString()]).toEqual([
      ['CHAT'],
      'see you at noon\r\n',
    ]);
  });
});
