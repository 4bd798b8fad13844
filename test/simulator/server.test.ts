import { Agent as HttpAgent, get } from 'node:http';
import { auth, gmail, type gmail_v1 } from 'googleapis/build/src/apis/gmail/index.js';
import { request as undiciRequest } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSimulatorServer, type SimulatorServer } from '../../src/simulator/server.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { base64url } from '../../src/model/base64url.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { ADA, plain } from '../fixtures/gmail/simulator-fixture.ts';
import { onFreePort } from '../fixtures/host/on-free-port.ts';

let simulator: Simulator;
let server: SimulatorServer;

beforeEach(async () => {
  simulator = new Simulator({ clock: systemClock });
  simulator.addMailbox(ADA);
  server = await startSimulatorServer({ simulator, port: 0 });
});
afterEach(() => server.close());

/** Google's own client, which knows only where Gmail and its token endpoint are. */
function client(): gmail_v1.Gmail {
  const { client_id, client_secret, refresh_token } = simulator.credentialsFor(ADA);
  const oauth = new auth.OAuth2({
    clientId: client_id,
    clientSecret: client_secret,
    endpoints: { oauth2TokenUrl: `${server.url}/token` },
  });
  oauth.setCredentials({ refresh_token });
  return gmail({ version: 'v1', auth: oauth, rootUrl: server.url, retry: false });
}

const me = { userId: 'me' } as const;
const raw = Buffer.from(`To: ${ADA}\r\nSubject: hi\r\n\r\nhello`).toString('base64url');

describe('Google’s own client over HTTP', () => {
  it('reads profile, labels, messages, threads, history and attachments', async () => {
    const mailbox = simulator.mailbox(ADA);
    const start = mailbox.historyId;
    const body =
      'Content-Type: multipart/mixed; boundary=b\r\nSubject: hi\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: ' +
      'text/csv; name=a.csv\r\n\r\n1,2\r\n--b--';
    const { id, threadId } = mailbox.insert({ raw: body, labelIds: ['INBOX'] });
    const { users } = client();

    expect((await users.getProfile(me)).data).toEqual({
      emailAddress: ADA,
      messagesTotal: 1,
      threadsTotal: 1,
      historyId: mailbox.historyId,
    });
    expect((await users.labels.list(me)).data.labels).toHaveLength(14);
    expect((await users.labels.get({ ...me, id: 'INBOX' })).data.messagesTotal).toBe(1);
    expect(
      (await users.messages.list({ ...me, labelIds: ['INBOX'], q: 'subject:hi', maxResults: 5 })).data.messages,
    ).toEqual([{ id, threadId }]);
    const message: gmail_v1.Schema$Message = (await users.messages.get({ ...me, id })).data;
    expect(message).toMatchObject({ id, threadId, labelIds: ['INBOX'], snippet: 'text', historyId: mailbox.historyId });
    const attachmentId = message.payload?.parts?.[1]?.body?.attachmentId ?? '';
    expect((await users.messages.attachments.get({ ...me, messageId: id, id: attachmentId })).data).toEqual({
      size: 3,
      data: 'MSwy',
    });
    const metadata = await users.messages.get({ ...me, id, format: 'metadata', metadataHeaders: ['Subject'] });
    expect(metadata.data.payload?.headers).toEqual([{ name: 'Subject', value: 'hi' }]);
    expect((await users.threads.list(me)).data.threads?.map((thread) => thread.id)).toEqual([threadId]);
    expect((await users.threads.get({ ...me, id: threadId })).data.messages).toHaveLength(1);
    const history = await users.history.list({ ...me, startHistoryId: start, historyTypes: ['messageAdded'] });
    expect(history.data.history?.[0]?.messagesAdded?.[0]?.message?.id).toBe(id);
  });

  it('writes messages, labels, drafts and watches', async () => {
    const { users } = client();
    const label = (await users.labels.create({ ...me, requestBody: { name: 'Trips' } })).data.id ?? '';
    await users.labels.patch({ ...me, id: label, requestBody: { name: 'Journeys' } });
    const sent = (await users.messages.send({ ...me, requestBody: { raw } })).data.id ?? '';
    const inserted = (await users.messages.insert({ ...me, requestBody: { raw, labelIds: [label] } })).data.id ?? '';
    const upload = {
      ...me,
      requestBody: { labelIds: ['INBOX'] },
      media: { mimeType: 'message/rfc822', body: plain('up') },
    };
    // For uploads Google's client takes the root URL from the call only.
    const uploaded = (await users.messages.insert(upload, { rootUrl: server.url })).data.id ?? '';
    const imported = (await users.messages.import({ ...me, requestBody: { raw } })).data.id ?? '';
    expect((await users.messages.get({ ...me, id: uploaded, format: 'raw' })).data.raw).toBe(
      base64url(Buffer.from(plain('up'))),
    );
    expect(
      (await users.messages.modify({ ...me, id: sent, requestBody: { addLabelIds: ['STARRED'] } })).data.labelIds,
    ).toContain('STARRED');
    await users.messages.batchModify({ ...me, requestBody: { ids: [sent, imported], removeLabelIds: ['INBOX'] } });
    expect((await users.messages.trash({ ...me, id: sent })).data.labelIds).toContain('TRASH');
    expect((await users.messages.untrash({ ...me, id: sent })).data.labelIds).not.toContain('TRASH');
    await users.messages.delete({ ...me, id: sent });
    await users.messages.batchDelete({ ...me, requestBody: { ids: [inserted, imported] } });
    await users.labels.delete({ ...me, id: label });
    const draft = (await users.drafts.create({ ...me, requestBody: { message: { raw } } })).data.id ?? '';
    await users.drafts.update({ ...me, id: draft, requestBody: { message: { raw } } });
    expect((await users.drafts.list(me)).data.drafts?.map(({ id }) => id)).toEqual([draft]);
    await users.drafts.delete({ ...me, id: draft });
    expect(
      simulator
        .mailbox(ADA)
        .truth()
        .map(({ id }) => id),
    ).toEqual([uploaded]);
    const watched = await users.watch({ ...me, requestBody: { topicName: 'projects/p/topics/t' } });
    expect(Number(watched.data.expiration)).toBeGreaterThan(systemClock.now());
    expect((await users.stop(me)).status).toBe(204);
  });

  it('sees an error as Google’s, and a revoked grant as invalid_grant', async () => {
    const { users } = client();
    await expect(users.messages.get({ ...me, id: 'ffff' })).rejects.toMatchObject({
      status: 404,
      message: 'Requested entity was not found.',
    });
    simulator.revoke(ADA);
    await expect(client().users.getProfile(me)).rejects.toMatchObject({ message: 'invalid_grant' });
  });
});

describe('the server', () => {
  it('breaks the connection for a reset, and in the middle of the answer for a truncation', async () => {
    const credentials = { grant_type: 'refresh_token', ...simulator.credentialsFor(ADA) };
    const ask = (): ReturnType<typeof undiciRequest> =>
      undiciRequest(`${server.url}/token`, { method: 'POST', body: new URLSearchParams(credentials).toString() });
    simulator.faults.add({ match: { method: 'token' }, effect: { kind: 'reset' }, times: 1 });
    await expect(ask()).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
    simulator.faults.add({ match: { method: 'token' }, effect: { kind: 'truncate' }, times: 1 });
    await expect(ask().then(({ body }) => body.text())).rejects.toThrow(/terminated|other side closed/);
    expect((await ask()).statusCode).toBe(200);
  });

  it('keeps a connection for the next call', async () => {
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 });
    const localPort = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const call = get(`${server.url}/simulator/mailboxes`, { agent }, (response) => {
          const port = response.socket.localPort;
          response.resume().once('end', () => resolve(port));
        });
        call.once('error', reject);
      });
    expect(await localPort()).toBe(await localPort());
    agent.destroy();
  });

  it('answers by any name of this machine and by configured names, and keeps pages in browsers out', async () => {
    const other = await startSimulatorServer({ simulator, port: 0, allowedHosts: ['simulator'] });
    const { port } = new URL(other.url);
    const ask = async (
      path: string,
      headers: Record<string, string>,
      body?: string,
    ): Promise<{ status: number; text: string }> => {
      const response = await undiciRequest(`${other.url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers,
        body: body ?? null,
      });
      return { status: response.statusCode, text: await response.body.text() };
    };
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'simulator:8025'])
      expect((await ask('/simulator/mailboxes', { host })).status, host).toBe(200);

    const rebound = { host: `evil.example:${port}` };
    const truth = await ask(`/simulator/truth?email=${ADA}`, rebound);
    expect({ ...truth, text: JSON.parse(truth.text) as unknown }).toEqual({
      status: 403,
      text: {
        error:
          'the host "evil.example" is not one of this server\'s: ask for it as localhost or by its IP address, ' +
          'or allow the name in allowedHosts, which docs/simulator.md explains',
      },
    });
    expect(truth.text).not.toContain('messages');
    expect(JSON.parse((await ask('/gmail/v1/users/me/profile', rebound)).text)).toMatchObject({
      error: { code: 403, errors: [{ reason: 'hostNotAllowed' }] },
    });

    const before = simulator.mailbox(ADA).historyId;
    const mail = JSON.stringify({ email: ADA, raw: 'Subject: x', labelIds: [] });
    expect(
      (await ask('/simulator/messages', { origin: 'https://evil.example', 'content-type': 'text/plain' }, mail)).status,
    ).toBe(403);
    expect(await ask('/simulator/messages', { 'content-type': 'text/plain' }, mail)).toEqual({
      status: 415,
      text: expect.stringContaining('--json') as string,
    });
    expect(simulator.mailbox(ADA).historyId).toBe(before);
    expect((await ask('/simulator/messages', { 'content-type': 'application/json' }, mail)).status).toBe(200);
    // A command without a body needs no content type.
    expect((await ask('/simulator/usage/reset', {}, '')).status).toBe(200);
    await other.close();
  });

  it('reports an unforeseen error as a bug, with its place', async () => {
    simulator.onNotification(() => {
      throw new RangeError('unforeseen');
    });
    await client().users.watch({ ...me, requestBody: { topicName: 'projects/p/topics/t' } });
    const answer = await undiciRequest(`${server.url}/simulator/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: ADA, raw: 'Subject: x', labelIds: [] }),
    });
    expect(answer.statusCode).toBe(500);
    expect(await answer.body.text()).toMatch(
      /^The simulator failed\. This is a bug in it; please report it with these lines: RangeError: unforeseen\n +at /,
    );
  });

  it('refuses a port that is taken, and frees its own when it closes', async () => {
    const port = Number(new URL(server.url).port);
    await expect(startSimulatorServer({ simulator, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    // No other program gets this port by chance between the two servers.
    await onFreePort(async (free) => {
      for (let time = 0; time < 2; time++) await (await startSimulatorServer({ simulator, port: free })).close();
    });
  });
});
