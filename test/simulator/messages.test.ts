import { describe, expect, it } from 'vitest';
import { fill, openSimulator, plain, type ErrorBody, type MessageBody } from '../fixtures/gmail/simulator-fixture.ts';

const RICH = [
  'From: =?UTF-8?B?QmrDtnJu?= <bjorn@example.org>',
  'To: ada@example.com',
  'Subject: =?ISO-8859-1?Q?Gr=FC=DFe?=',
  ' and more',
  'Content-Type: multipart/mixed; boundary="outer"',
  '',
  'This preamble is for old programs.',
  '--outer',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  'Content-Type: text/plain; charset=ISO-8859-1',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Gr=FC=DFe & "so=',
  ' weiter"',
  '--inner',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Hello</p>',
  '--inner--',
  '--outer',
  "Content-Type: text/csv; name*=UTF-8''%C3%9Cbersicht.csv",
  'Content-Disposition: attachment',
  'Content-Transfer-Encoding: base64',
  '',
  'YSxiLGM=',
  '--outer--',
  '',
].join('\r\n');

describe('messages.get', () => {
  it('answers full by default: the part tree, text inside it, attachments by id', async () => {
    const { mailbox, user } = await openSimulator();
    const { id, threadId } = mailbox.insert({
      raw: RICH,
      labelIds: ['UNREAD', 'INBOX'],
      internalDate: 1_700_000_000_123,
    });
    const { body } = await user.get<MessageBody>(`messages/${id}`);
    expect(body).toMatchObject({
      id,
      threadId,
      labelIds: ['INBOX', 'UNREAD'],
      snippet: 'Grüße &amp; &quot;so weiter&quot;',
      historyId: mailbox.historyId,
      internalDate: '1700000000123',
      sizeEstimate: RICH.length,
      payload: {
        partId: '',
        mimeType: 'multipart/mixed',
        filename: '',
        body: { size: 0 },
        parts: [
          {
            partId: '0',
            mimeType: 'multipart/alternative',
            parts: [
              {
                partId: '0.0',
                mimeType: 'text/plain',
                body: { data: Buffer.from('Grüße & "so weiter"').toString('base64url'), size: 21 },
              },
              { partId: '0.1', mimeType: 'text/html', body: { size: 12 } },
            ],
          },
          { partId: '1', mimeType: 'text/csv', filename: 'Übersicht.csv', body: { size: 5 } },
        ],
      },
    });
    expect(body.payload?.headers.slice(0, 3)).toEqual([
      { name: 'From', value: 'Björn <bjorn@example.org>' },
      { name: 'To', value: 'ada@example.com' },
      { name: 'Subject', value: 'Grüße and more' },
    ]);
    const attachment = body.payload?.parts?.[1]?.body;
    expect(attachment?.data).toBeUndefined();
    const fetched = await user.get(`messages/${id}/attachments/${attachment?.attachmentId ?? ''}`);
    expect(fetched.body).toEqual({ size: 5, data: 'YSxiLGM=' });
    expect((await user.get(`messages/${id}/attachments/wrong`)).status).toBe(400);
  });

  it('answers raw with the very bytes, in padded base64url and without a payload', async () => {
    const { mailbox, user } = await openSimulator();
    const raw = Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xfb, 0xef, 0x3f]);
    const { id } = mailbox.insert({ raw, labelIds: [] });
    const { body } = await user.get<MessageBody>(`messages/${id}`, { format: 'raw' });
    expect(Buffer.from(body.raw ?? '', 'base64url')).toEqual(raw);
    expect(body.raw).toMatch(/^[\w-]+={0,2}$/);
    expect((body.raw ?? '').length % 4).toBe(0);
    expect(body.payload).toBeUndefined();
    expect(mailbox.truth()[0]?.raw).toBe(body.raw);
  });

  it('answers metadata with the headers asked for, and minimal without headers', async () => {
    const { mailbox, user } = await openSimulator();
    const { id } = mailbox.insert({ raw: RICH, labelIds: ['INBOX'] });
    const metadata = await user.get<MessageBody>(`messages/${id}`, {
      format: 'metadata',
      metadataHeaders: ['subject', 'FROM'],
    });
    expect(metadata.body.payload).toEqual({
      mimeType: 'multipart/mixed',
      headers: [
        { name: 'From', value: 'Björn <bjorn@example.org>' },
        { name: 'Subject', value: 'Grüße and more' },
      ],
    });
    const minimal = await user.get<MessageBody>(`messages/${id}`, { format: 'minimal' });
    expect(Object.keys(minimal.body).sort()).toEqual([
      'historyId',
      'id',
      'internalDate',
      'labelIds',
      'sizeEstimate',
      'snippet',
      'threadId',
    ]);
  });

  it('leaves labelIds out when a message has no labels, as Google leaves out every empty list', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1, []);
    expect((await user.get<MessageBody>(`messages/${id}`)).body.labelIds).toBeUndefined();
  });

  it('answers 404 in Google’s form for what is not there, and 400 for an unknown format', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    const missing = await user.get<ErrorBody>('messages/1234567890abcdef');
    expect(missing.body).toEqual({
      error: {
        code: 404,
        message: 'Requested entity was not found.',
        errors: [{ message: 'Requested entity was not found.', domain: 'global', reason: 'notFound' }],
        status: 'NOT_FOUND',
      },
    });
    expect((await user.get(`messages/${id}`, { format: 'pdf' })).status).toBe(400);
    mailbox.delete(id);
    expect((await user.get(`messages/${id}`)).status).toBe(404);
  });

  it('answers a poisoned message with its status, wherever it is read, until it is healed', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    const reply = mailbox.insert({ raw: plain('Re'), labelIds: [], threadId: id });
    mailbox.poison(id, 500);
    expect((await user.get(`messages/${id}`)).status).toBe(500);
    expect((await user.get(`threads/${id}`)).status).toBe(500);
    expect((await user.get(`messages/${reply.id}`)).status).toBe(200);
    mailbox.poison(id, null);
    expect((await user.get(`threads/${id}`)).status).toBe(200);
  });
});

describe('threads.get', () => {
  it('answers every message of the thread, oldest first, and no raw format', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    const reply = mailbox.insert({ raw: plain('Re: Number 0'), labelIds: ['TRASH'], threadId: id });
    const { body } = await user.get<{ id: string; historyId: string; messages: MessageBody[] }>(`threads/${id}`, {
      format: 'minimal',
    });
    expect(body.id).toBe(id);
    expect(body.historyId).toBe(mailbox.historyId);
    expect(body.messages.map((message) => message.id)).toEqual([id, reply.id]);
    expect((await user.get(`threads/${id}`, { format: 'raw' })).status).toBe(400);
    expect((await user.get('threads/ffffffffffffffff')).status).toBe(404);
  });
});

describe('labels', () => {
  it('lists system labels and the user’s own, and counts the messages and threads of one', async () => {
    const { mailbox, user } = await openSimulator();
    const label = mailbox.createLabel('Trips');
    fill(mailbox, 2, [label.id, 'UNREAD']);
    fill(mailbox, 1, [label.id]);
    const { body } = await user.get<{ labels: { id: string; name: string; type: string }[] }>('labels');
    expect(body.labels).toContainEqual({ id: 'INBOX', name: 'INBOX', type: 'system' });
    expect(body.labels.find(({ id }) => id === label.id)).toMatchObject({ name: 'Trips', type: 'user' });
    expect((await user.get(`labels/${label.id}`)).body).toMatchObject({
      messagesTotal: 3,
      messagesUnread: 2,
      threadsTotal: 3,
      threadsUnread: 2,
    });
  });
});

describe('the profile', () => {
  it('counts messages and threads that exist, spam and trash included', async () => {
    const { mailbox, user } = await openSimulator();
    const [first = '', second = ''] = fill(mailbox, 2);
    const reply = mailbox.insert({ raw: plain('Re'), labelIds: ['TRASH'], threadId: first });
    const totals = async (): Promise<unknown> =>
      (await user.get('profile', { fields: 'messagesTotal,threadsTotal' })).body;
    expect(await totals()).toEqual({ messagesTotal: 3, threadsTotal: 2 });
    mailbox.deleteAll([second, reply.id]);
    expect(await totals()).toEqual({ messagesTotal: 1, threadsTotal: 1 });
    mailbox.restore(second);
    mailbox.delete(first);
    expect(await totals()).toEqual({ messagesTotal: 1, threadsTotal: 1 });
  });
});

describe('the mailbox itself', () => {
  it('refuses mail with a label that it does not know', async () => {
    const { mailbox } = await openSimulator();
    expect(() => mailbox.insert({ raw: plain('x'), labelIds: ['Label_7'] })).toThrow(
      'has no label with the id "Label_7"',
    );
  });

  it('tells the truth with labels sorted and a hash of the bytes, spam and trash only when asked', async () => {
    const { mailbox } = await openSimulator();
    const { id, threadId } = mailbox.insert({ raw: 'abc', labelIds: ['UNREAD', 'INBOX'], internalDate: 5 });
    fill(mailbox, 1, ['TRASH']);
    expect(mailbox.truth()).toEqual([
      {
        id,
        threadId,
        labelIds: ['INBOX', 'UNREAD'],
        historyId: mailbox.truth()[0]?.historyId,
        internalDate: 5,
        sizeEstimate: 3,
        raw: 'YWJj',
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      },
    ]);
    expect(mailbox.truth({ includeSpamTrash: true })).toHaveLength(2);
  });
});
