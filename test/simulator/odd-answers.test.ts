import { describe, expect, it } from 'vitest';

import type { FaultEffect } from '../../src/simulator/faults.ts';
import { mailWithAttachments } from '../mail-with-attachments.ts';
import { ADA, fill, openSimulator, type HistoryBody, type IdPage, type MessageBody } from './fixture.ts';

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
    expect((await user.history(start)).history?.flatMap((record) => record.messages.map((message) => message.id))).toEqual([id, other]);
    expect(omission.strikes).toBe(3);
    await clock.advance(60_000);
    expect(await user.listAll()).toEqual([other, id]);
  });

  it('may be missing from the listing of one label, or from every listing, until the omission is removed', async () => {
    const { mailbox, user } = await openSimulator();
    const [id = ''] = fill(mailbox, 1, ['INBOX', 'STARRED']);
    const ofLabel = mailbox.omissions.add({ messageId: id, from: 'label:STARRED' });
    expect([await user.listAll(), await user.listAll({ labelIds: 'INBOX' }), await user.listAll({ labelIds: 'STARRED' })]).toEqual([[id], [id], []]);
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
    const fault = simulator.faults.add({ match: { method: 'messages.list' }, effect: { kind: 'empty-page' }, times: 1 });
    expect((await user.get('messages', { maxResults: '2' })).body).toEqual({ resultSizeEstimate: 0 });
    expect(await user.listAll({ maxResults: '2' })).toEqual(ids.toReversed());
    expect(fault.strikes).toBe(1);
  });

  it('may be empty in history, and then still names the head', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const start = mailbox.historyId;
    fill(mailbox, 1);
    simulator.faults.add({ effect: { kind: 'empty-page' }, times: 1 });
    expect((await user.get<HistoryBody>('history', { startHistoryId: start })).body).toEqual({ historyId: mailbox.historyId });
  });

  it('may lack its nextPageToken', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const ids = fill(mailbox, 5);
    simulator.faults.add({ effect: { kind: 'cut-page' }, times: 1 });
    expect(await user.listAll({ maxResults: '2' })).toEqual(ids.toReversed().slice(0, 2));
    expect(await user.listAll({ maxResults: '2' })).toEqual(ids.toReversed());
  });

  it('may name itself as the next one, for as long as told', async () => {
    const { mailbox, user, simulator, clock } = await openSimulator();
    fill(mailbox, 6);
    simulator.faults.add({ effect: { kind: 'repeat-token' }, until: clock.now() + 1_000 });
    const page = async (pageToken: string): Promise<IdPage> => (await user.get<IdPage>('messages', { maxResults: '2', pageToken })).body;
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
  it.each(['profile', 'labels', 'messages', 'history?startHistoryId=1', 'threads'])('may be the answer of %s, alone and in a batch', async (path) => {
    const { mailbox, user, simulator } = await openSimulator();
    mailbox.log.expire(0);
    simulator.faults.add({ effect: { kind: 'empty-object' }, times: 2 });
    const known = path.replace('=1', `=${mailbox.historyId}`);
    expect((await user.send('GET', `/gmail/v1/users/me/${known}`)).text).toBe('{}');
    const { parts } = await user.batch([known, known]);
    expect(parts.map(({ status, json }) => [status, json === '{}'])).toEqual([[200, true], [200, false]]);
    expect(simulator.usage.of(ADA).calls).toBe(3);
  });

  it('may be the answer of a whole batch and of the token endpoint', async () => {
    const { user, simulator } = await openSimulator();
    for (const method of ['batch', 'token'] as const) simulator.faults.add({ match: { method }, effect: { kind: 'empty-object' } });
    expect(await user.batch(['profile'])).toMatchObject({ status: 200, text: '{}' });
    const { client_id, client_secret, refresh_token } = simulator.credentialsFor(ADA);
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id, client_secret, refresh_token });
    expect(await user.send('POST', '/token', form.toString())).toMatchObject({ status: 200, text: '{}' });
  });
});

describe('replaced fields', () => {
  const effect: FaultEffect = { kind: 'replace', fields: { sizeEstimate: 1e30, historyId: '18446744073709551615' }, without: ['labelIds'] };

  it('take the place of one message’s own fields', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const [bad = '', good = ''] = fill(mailbox, 2);
    simulator.faults.add({ match: { messageId: bad, method: 'messages.get' }, effect });
    expect((await user.get<MessageBody>(`messages/${bad}`)).body).toMatchObject({ id: bad, sizeEstimate: 1e30, historyId: '18446744073709551615' });
    expect((await user.get<MessageBody>(`messages/${bad}`)).body.labelIds).toBeUndefined();
    expect((await user.get<MessageBody>(`messages/${good}`)).body.labelIds).toEqual(['INBOX']);
  });

  it('are cut by the call’s fields parameter as the true ones are', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    simulator.faults.add({ effect });
    expect((await user.get(`messages/${id}`, { fields: 'id,historyId' })).body).toEqual({ id, historyId: '18446744073709551615' });
  });

  it('make an attachment of zero bytes, as JSON of protocol buffers writes it', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const { id } = mailbox.insert({ raw: mailWithAttachments({ subject: 's', text: 't', attachments: [{ name: 'a.bin', content: 'abc', encoding: 'base64' }] }), labelIds: [] });
    const { payload } = (await user.get<MessageBody>(`messages/${id}`)).body;
    const attachmentId = payload?.parts?.[1]?.body?.attachmentId ?? '';
    simulator.faults.add({ match: { method: 'messages.attachments.get' }, effect: { kind: 'replace', fields: { size: 0 }, without: ['data'] } });
    expect((await user.get(`messages/${id}/attachments/${attachmentId}`)).body).toEqual({ size: 0 });
  });
});

describe('an intercepted call', () => {
  it('is answered with Google’s HTML page at the batch endpoint, and costs nothing', async () => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'intercept', status: 404 }, times: 1 });
    const refused = await user.send('POST', '/batch/gmail/v1', '--b\r\n\r\nGET /gmail/v1/users/me/profile\r\n\r\n--b--', { 'content-type': 'multipart/mixed; boundary=b' });
    expect(refused.status).toBe(404);
    expect(refused.text).toMatch(/^<!DOCTYPE html>.*That’s an error/s);
    expect(simulator.usage.calls).toBe(0);
    expect((await user.batch(['profile'])).status).toBe(200);
  });

  it('may be answered with any bytes and type, alone and as a part of a batch', async () => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({ match: { method: 'getProfile' }, effect: { kind: 'intercept', status: 200, contentType: 'text/plain', body: 'busy' } });
    expect(await user.send('GET', '/gmail/v1/users/me/profile')).toMatchObject({ status: 200, text: 'busy' });
    const { text } = await user.batch(['profile']);
    expect(text).toContain('Content-Type: text/plain');
    expect(text).toContain('busy');
  });
});
