import { describe, expect, it } from 'vitest';
import {
  ADA,
  fill,
  openSimulator,
  plain,
  type ErrorBody,
  type MessageBody,
} from '../fixtures/gmail/simulator-fixture.ts';

const encoded = (text: string): string => Buffer.from(text).toString('base64url');

describe('changes over the API', () => {
  it('modify, trash, untrash and delete one message, and answer its labels', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1, ['INBOX', 'UNREAD']);
    const modified = await user.call<MessageBody>('POST', `messages/${id}/modify`, {
      addLabelIds: ['STARRED'],
      removeLabelIds: ['UNREAD'],
    });
    expect(modified.body).toEqual({ id, threadId: id, labelIds: ['INBOX', 'STARRED'] });
    expect((await user.call<MessageBody>('POST', `messages/${id}/trash`)).body.labelIds).toEqual(['STARRED', 'TRASH']);
    expect((await user.call<MessageBody>('POST', `messages/${id}/untrash`)).body.labelIds).toEqual(['STARRED']);
    expect((await user.call('DELETE', `messages/${id}`)).status).toBe(204);
    expect(mailbox.truth({ includeSpamTrash: true })).toEqual([]);
    expect((await user.call('POST', `messages/${id}/trash`)).status).toBe(404);
  });

  it('refuse labels that are unknown or Gmail’s own', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    for (const label of ['Label_5', 'SENT']) {
      const refused = await user.call<ErrorBody>('POST', `messages/${id}/modify`, { addLabelIds: [label] });
      expect(refused.body.error.message).toBe(`Invalid label: ${label}`);
    }
    expect((await user.call('POST', `messages/${id}/modify`, { addLabelIds: 'STARRED' })).status).toBe(400);
  });

  it('modify and delete many at once, and pass over what is not there', async () => {
    const { mailbox, user } = await openSimulator();
    const ids = fill(mailbox, 3);
    expect((await user.call('POST', 'messages/batchModify', { ids, addLabelIds: ['STARRED'] })).status).toBe(204);
    expect((await user.call('POST', 'messages/batchDelete', { ids: [...ids.slice(1), 'unknown'] })).status).toBe(204);
    expect(mailbox.truth().map(({ id, labelIds }) => [id, labelIds])).toEqual([[ids[0], ['INBOX', 'STARRED']]]);
    expect((await user.call('POST', 'messages/batchDelete', { ids: ['unknown'] })).status).toBe(204);
    expect(
      (await user.call('POST', 'messages/batchModify', { ids: Array.from({ length: 1_001 }, String) })).status,
    ).toBe(400);
  });

  it('insert mail, with the date of its header when asked, into a thread that exists', async () => {
    const { mailbox, user } = await openSimulator();
    const raw = encoded('Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nSubject: x\r\n\r\ny');
    const inserted = await user.call<MessageBody>('POST', 'messages?internalDateSource=dateHeader', {
      raw,
      labelIds: ['INBOX'],
    });
    expect(mailbox.truth()[0]).toMatchObject({
      id: inserted.body.id,
      internalDate: Date.UTC(2026, 0, 1),
      labelIds: ['INBOX'],
    });
    const reply = await user.call<MessageBody>('POST', 'messages/import', { raw, threadId: inserted.body.threadId });
    expect(reply.body.threadId).toBe(inserted.body.threadId);
    expect((await user.call('POST', 'messages', { raw, threadId: 'ffff' })).status).toBe(404);
    expect((await user.call('POST', 'messages', {})).status).toBe(400);
  });

  it('take uploads, plain and beside JSON, byte for byte', async () => {
    const { mailbox, user } = await openSimulator();
    const mail = 'Subject: up\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\npart\r\n--i--\r\n';
    await user.send('POST', '/upload/gmail/v1/users/me/messages?uploadType=media', mail, {
      'content-type': 'message/rfc822',
    });
    const related =
      '--r\r\nContent-Type: application/json\r\n\r\n{"labelIds":["STARRED"]}\r\n--r\r\nContent-Type: ' +
      `message/rfc822\r\n\r\n${mail}\r\n--r--`;
    await user.send('POST', '/upload/gmail/v1/users/me/messages?uploadType=multipart', related, {
      'content-type': 'multipart/related; boundary=r',
    });
    expect(mailbox.truth().map(({ raw }) => Buffer.from(raw, 'base64url').toString())).toEqual([mail, mail]);
    expect(mailbox.truth().flatMap(({ labelIds }) => labelIds)).toEqual(['STARRED']);
  });

  it('send mail to recipients that have a mailbox here', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const bob = simulator.addMailbox('bob@example.com');
    const raw = encoded('To: Bob <bob@example.com>, far@example.net\r\nSubject: hi\r\n\r\nhello');
    const sent = await user.call<MessageBody>('POST', 'messages/send', { raw });
    expect(sent.body.labelIds).toEqual(['SENT']);
    expect(mailbox.truth()).toHaveLength(1);
    expect(bob.truth()[0]?.labelIds).toEqual(['CATEGORY_PERSONAL', 'INBOX', 'UNREAD']);
    expect((await user.call('POST', 'messages/send', { raw: encoded('Subject: to nobody\r\n\r\n') })).status).toBe(400);
  });

  it('modify and delete a thread', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    mailbox.insert({ raw: plain('Re'), labelIds: [], threadId: id });
    const { body } = await user.call<{ messages: MessageBody[] }>('POST', `threads/${id}/modify`, {
      addLabelIds: ['STARRED'],
    });
    expect(body.messages.map(({ labelIds }) => labelIds)).toEqual([['INBOX', 'STARRED'], ['STARRED']]);
    expect((await user.call('DELETE', `threads/${id}`)).status).toBe(204);
    expect(mailbox.truth()).toEqual([]);
  });

  it('create, rename and delete labels, and refuse a name that is taken', async () => {
    const { mailbox, user } = await openSimulator();
    const { body } = await user.call<{ id: string; name: string }>('POST', 'labels', { name: 'Trips' });
    expect((await user.call('POST', 'labels', { name: 'trips' })).status).toBe(409);
    expect((await user.call<{ name: string }>('PATCH', `labels/${body.id}`, { name: 'Journeys' })).body.name).toBe(
      'Journeys',
    );
    expect((await user.call('DELETE', 'labels/INBOX')).status).toBe(400);
    expect((await user.call('DELETE', `labels/${body.id}`)).status).toBe(204);
    expect(mailbox.labels().filter(({ type }) => type === 'user')).toEqual([]);
  });

  it('create, replace, send and delete drafts', async () => {
    const { mailbox, user } = await openSimulator();
    const message = { raw: encoded(`To: ${ADA}\r\nSubject: draft\r\n\r\n`) };
    const created = await user.call<{ id: string; message: MessageBody }>('POST', 'drafts', { message });
    const updated = await user.call<{ id: string; message: MessageBody }>('PUT', `drafts/${created.body.id}`, {
      message,
    });
    expect(updated.body.id).toBe(created.body.id);
    expect(updated.body.message.id).not.toBe(created.body.message.id);
    const listed = await user.get<{ drafts: { id: string; message: { id: string } }[] }>('drafts');
    expect(listed.body.drafts).toEqual([
      { id: created.body.id, message: { id: updated.body.message.id, threadId: updated.body.message.threadId } },
    ]);
    expect((await user.get<{ message: MessageBody }>(`drafts/${created.body.id}`)).body.message.labelIds).toEqual([
      'DRAFT',
    ]);

    const sent = await user.call<MessageBody>('POST', 'drafts/send', { id: created.body.id });
    expect(sent.body.labelIds).toEqual(['INBOX', 'SENT', 'UNREAD']);
    expect(mailbox.truth()).toHaveLength(1);
    const other = await user.call<{ id: string }>('POST', 'drafts', { message });
    expect((await user.call('DELETE', `drafts/${other.body.id}`)).status).toBe(204);
    expect((await user.get('drafts')).body).toEqual({ resultSizeEstimate: 0 });
    expect((await user.call('DELETE', `drafts/${other.body.id}`)).status).toBe(404);
  });

  it('answer 404 for a path that the API does not have', async () => {
    const { user } = await openSimulator();
    expect((await user.call('POST', 'nothing')).status).toBe(404);
    expect((await user.send('GET', '/elsewhere')).status).toBe(404);
    expect((await user.call('GET', 'messages/%E0%A4%A')).status).toBe(400);
  });
});
