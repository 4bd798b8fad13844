import { describe, expect, it } from 'vitest';
import { GmailError, type GmailFailure } from '../../src/gmail/api/gmail-error.ts';
import type { FetchOutcome, FetchRequest } from '../../src/gmail/api/gmail-api.ts';
import type { Transport } from '../../src/gmail/api/transport.ts';
import { historyId, labelId, messageId, threadId } from '../../src/model/ids.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { ADA, fill, openGmail } from '../fixtures/gmail/gmail-fixture.ts';

const message = (id: string): FetchRequest => ({ kind: 'message', id: messageId(id) });
const thread = (id: string): FetchRequest => ({ kind: 'thread', id: threadId(id) });

const kinds = (outcomes: readonly FetchOutcome[]): string[] =>
  outcomes.map((outcome) =>
    outcome.kind === 'fetched' ? outcome.messages.map((reading) => reading.id).join('+') : outcome.error.failure.kind,
  );

async function failureOf(promise: Promise<unknown>): Promise<GmailFailure> {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error instanceof GmailError) return error.failure;
  throw error ?? new Error('it did not fail');
}

/** A transport that sends on to the simulator and notes what went by; `change` may replace an answer. */
const recording =
  (log: Parameters<Transport>[0][], change?: (url: string, body: Buffer) => Buffer) =>
  (simulator: Simulator): Transport =>
  async (request) => {
    log.push(request);
    const answer = await simulator.transport(request);
    return change === undefined ? answer : { ...answer, body: change(request.url, answer.body) };
  };

describe('single calls', () => {
  it('read the profile, whose historyId is the head', async () => {
    const { clock, api, mailbox } = openGmail();
    fill({ mailbox }, 3);
    expect(await clock.run(() => api.getProfile())).toEqual({
      emailAddress: ADA,
      historyId: historyId(mailbox.historyId),
      messagesTotal: 3,
    });
  });

  it('read the labels of the system and of the user', async () => {
    const { clock, api, mailbox } = openGmail();
    const { id } = mailbox.createLabel('Work/Äpfel');
    const labels = await clock.run(() => api.listLabels());
    expect(labels).toContainEqual({ id: labelId('INBOX'), name: 'INBOX', type: 'system' });
    expect(labels).toContainEqual({ id: labelId(id), name: 'Work/Äpfel', type: 'user' });
  });

  it('report a list of labels without an inbox as unavailable', async () => {
    const { clock, api } = openGmail({
      transport: recording([], (url, body) => (url.includes('labels') ? Buffer.from('{}') : body)),
    });
    expect(await clock.run(() => failureOf(api.listLabels()))).toMatchObject({ kind: 'unavailable' });
  });

  it('count the messages of a label, and give null for an unknown label', async () => {
    const { clock, api, mailbox, simulator } = openGmail();
    fill({ mailbox }, 3);
    expect(await clock.run(() => api.getLabel(labelId('INBOX')))).toMatchObject({ id: 'INBOX', messagesTotal: 3 });
    expect(await clock.run(() => api.getLabel(labelId('Label_99')))).toBeNull();
    expect(simulator.usage.of(ADA).methods['labels.get']?.calls).toBe(2);
  });

  it('list ids newest first, 500 a page, by label and search', async () => {
    const { clock, api, mailbox, simulator } = openGmail();
    const ids = fill({ mailbox }, 501);
    mailbox.addLabels(ids[7] ?? '', ['STARRED']);
    await clock.run(async () => {
      const query = { includeSpamTrash: false, pageToken: null };
      const first = await api.listMessages(query);
      expect(first.messages).toHaveLength(500);
      expect(first.messages[0]?.id).toBe(ids[500]);
      const second = await api.listMessages({ ...query, pageToken: first.nextPageToken });
      expect(second).toEqual({ messages: [{ id: ids[0], threadId: ids[0] }], nextPageToken: null });
      const starred = await api.listMessages({
        ...query,
        labelIds: [labelId('STARRED'), labelId('INBOX')],
        q: 'subject:note',
      });
      expect(starred.messages.map(({ id }) => id)).toEqual([ids[7]]);
    });
    expect(simulator.usage.of(ADA).methods['messages.list']?.units).toBe(15);
  });

  it('list history as operations, in an order in which they can be applied', async () => {
    const { clock, api, mailbox } = openGmail();
    const [id = ''] = fill({ mailbox }, 1);
    const start = historyId(mailbox.historyId);
    mailbox.modify([id], { add: ['STARRED'], remove: ['INBOX'] });
    mailbox.delete(id);
    const page = await clock.run(() => api.listHistory({ startHistoryId: start, pageToken: null }));
    expect(page.historyId).toBe(mailbox.historyId);
    const subject = { messageId: id, threadId: id };
    expect(page.records.flatMap((record) => record.operations)).toEqual([
      { kind: 'labelsAdded', ...subject, labelIds: ['STARRED'] },
      { kind: 'labelsRemoved', ...subject, labelIds: ['INBOX'] },
      { kind: 'deleted', ...subject },
    ]);
  });

  it('report a mark that Gmail no longer keeps as expired history', async () => {
    const { clock, api, mailbox } = openGmail();
    const start = historyId(mailbox.historyId);
    fill({ mailbox }, 5);
    mailbox.expireHistory();
    await clock.run(async () => {
      expect(await failureOf(api.listHistory({ startHistoryId: start, pageToken: null }))).toEqual({
        kind: 'history-expired',
      });
    });
  });

  it('report an answer that is cut off, or not what Gmail documents, as unavailable', async () => {
    const cut = 'the answer is cut off or no JSON';
    const historyId = 'historyId is not what Gmail documents';
    const answers = [
      ['{"emailAddress": "ada@exam', cut],
      ['', cut],
      ['[]', 'the answer is not what Gmail documents'],
      ['{"emailAddress":"ada@example.com"}', historyId],
      ['{"emailAddress":"a","historyId":9007199254740993}', historyId],
    ] as const;
    for (const [damaged, detail] of answers) {
      const { clock, api } = openGmail({
        transport: recording([], (url, body) => (url.includes('profile') ? Buffer.from(damaged) : body)),
      });
      expect(await clock.run(() => failureOf(api.getProfile()))).toEqual({ kind: 'unavailable', status: 200, detail });
    }
  });

  it('send each request once, even if it fails', async () => {
    const log: Parameters<Transport>[0][] = [];
    const { clock, api, simulator } = openGmail({ transport: recording(log) });
    simulator.faults.add({ effect: { kind: 'status', status: 503 }, times: 1 });
    await clock.run(async () => {
      expect(await failureOf(api.getProfile())).toEqual({ kind: 'unavailable', status: 503 });
    });
    expect(log.filter(({ url }) => url.includes('profile'))).toHaveLength(1);
  });
});

describe('batches', () => {
  it('fetch messages and threads in one request, each with the JSON that Gmail answered', async () => {
    const log: Parameters<Transport>[0][] = [];
    const { clock, api, mailbox, simulator } = openGmail({ transport: recording(log) });
    simulator.batchOrder = 'shuffled';
    const [first = '', second = ''] = fill({ mailbox }, 2);
    const { id: reply } = mailbox.insert({
      raw: 'Subject: Re\r\n\r\nyes é',
      labelIds: ['INBOX', 'UNREAD'],
      threadId: second,
    });
    const outcomes = await clock.run(() => api.batchGet([thread(second), message('gone'), message(first)], 'full'));
    expect(kinds(outcomes)).toEqual([`${second}+${reply}`, 'not-found', first]);
    expect(log.filter(({ url }) => url.endsWith('/batch/gmail/v1'))).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.kind === 'failed') continue;
      for (const reading of outcome.messages) {
        const json: unknown = JSON.parse(Buffer.from(reading.body ?? []).toString('utf8'));
        expect(json).toMatchObject({
          id: reading.id,
          threadId: reading.threadId,
          historyId: reading.historyId,
          payload: { headers: expect.anything() },
        });
      }
    }
  });

  it('fetch the RFC 822 bytes as raw, and no body as minimal', async () => {
    const { clock, api, mailbox } = openGmail();
    const raw = Buffer.from([...Buffer.from('Subject: Bytes\r\n\r\n'), 0x00, 0xff, 0xfe, 0x80]);
    const { id } = mailbox.insert({ raw, labelIds: ['INBOX'] });
    await clock.run(async () => {
      const [asRaw] = await api.batchGet([message(id)], 'raw');
      expect(asRaw?.kind === 'fetched' && Buffer.from(asRaw.messages[0]?.body ?? []).equals(raw)).toBe(true);
      const [asMinimal] = await api.batchGet([message(id)], 'minimal');
      expect(asMinimal).toMatchObject({ kind: 'fetched', messages: [{ id, labelIds: ['INBOX'], body: null }] });
    });
  });

  it('answer each poisonous call by itself, and its neighbours as usual', async () => {
    const { clock, api, mailbox, simulator } = openGmail();
    const [a = '', b = '', c = ''] = fill({ mailbox }, 3);
    mailbox.poison(b, 500);
    simulator.faults.add({
      match: { messageId: c },
      effect: { kind: 'status', status: 429, message: 'Too many concurrent requests for user.' },
    });
    expect(kinds(await clock.run(() => api.batchGet([message(a), message(b), message(c)], 'full')))).toEqual([
      a,
      'unavailable',
      'rate-limited',
    ]);
  });

  it('cut off in the middle answer what arrived and nothing else', async () => {
    const { clock, api, mailbox } = openGmail({
      transport: recording([], (url, body) => (url.includes('/batch/') ? body.subarray(0, body.length >> 1) : body)),
    });
    const ids = fill({ mailbox }, 10);
    const outcomes = kinds(await clock.run(() => api.batchGet(ids.map(message), 'full')));
    expect(outcomes.slice(0, 4)).toEqual(ids.slice(0, 4));
    expect(outcomes.slice(6)).toEqual(Array.from({ length: 4 }, () => 'unavailable'));
  });

  it('take no message for another, even when the answer names the wrong part', async () => {
    const swapped = (text: string): string =>
      text
        .replace('response-part-0', 'response-part-x')
        .replace('response-part-1', 'response-part-0')
        .replace('response-part-x', 'response-part-1');
    const { clock, api, mailbox } = openGmail({
      transport: recording([], (url, body) => (url.includes('/batch/') ? Buffer.from(swapped(body.toString())) : body)),
    });
    const ids = fill({ mailbox }, 3);
    expect(kinds(await clock.run(() => api.batchGet(ids.map(message), 'full')))).toEqual([
      'unavailable',
      'unavailable',
      ids[2],
    ]);
  });

  it('fail as a whole when the request around them fails', async () => {
    const { clock, api, mailbox, simulator } = openGmail();
    const ids = fill({ mailbox }, 2);
    simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'reset' }, times: 1 });
    await clock.run(async () => {
      expect(await failureOf(api.batchGet(ids.map(message), 'full'))).toEqual({ kind: 'unavailable', status: null });
      expect(kinds(await api.batchGet(ids.map(message), 'full'))).toEqual(ids);
    });
  });

  it('hold no more than 50 requests', async () => {
    const { api } = openGmail();
    await expect(
      api.batchGet(
        Array.from({ length: 51 }, () => message('a')),
        'full',
      ),
    ).rejects.toThrow(RangeError);
  });
});

describe('access', () => {
  it('that has expired is renewed once, for single calls and within a batch', async () => {
    const { clock, api, mailbox, simulator, tokens } = openGmail();
    const ids = fill({ mailbox }, 3);
    await clock.run(async () => {
      const stale = await tokens.accessToken();
      simulator.faults.add({ effect: { kind: 'status', status: 401 }, times: 1 });
      expect((await api.getProfile()).emailAddress).toBe(ADA);
      expect(await tokens.accessToken()).not.toBe(stale);
      simulator.faults.add({ match: { method: 'messages.get' }, effect: { kind: 'status', status: 401 }, times: 2 });
      expect(kinds(await api.batchGet(ids.map(message), 'full'))).toEqual(ids);
    });
  });

  it('that is refused twice, while Google gives tokens for it, is not revoked', async () => {
    const { clock, api, simulator } = openGmail();
    simulator.faults.add({ effect: { kind: 'status', status: 401 } });
    await clock.run(async () => {
      expect(await failureOf(api.getProfile())).toEqual({ kind: 'refused', status: 401, reason: 'authError' });
    });
  });

  it('that the owner withdrew is reported as revoked', async () => {
    const { clock, api, simulator } = openGmail();
    await clock.run(async () => {
      await api.getProfile();
      simulator.revoke(ADA);
      expect(await failureOf(api.getProfile())).toEqual({ kind: 'consent-revoked', tokenRefused: true });
    });
  });
});

describe('every call', () => {
  it("stops at once with the caller's reason when the caller aborts, even if the transport ignores it", async () => {
    const { clock, api } = openGmail({
      transport: (simulator) => async (request) =>
        request.url.endsWith('/token') ? await simulator.transport(request) : await new Promise(() => {}),
    });
    const controller = new AbortController();
    await clock.run(async () => {
      const reason = new Error('the activity is cancelled');
      const calls = [api.getProfile(controller.signal), api.batchGet([message('a')], 'full', controller.signal)].map(
        (call) => call.catch((error: unknown) => error),
      );
      await clock.sleep(1_000);
      controller.abort(reason);
      const abortedAt = clock.now();
      expect(await Promise.all(calls)).toEqual([reason, reason]);
      expect(clock.now()).toBe(abortedAt);
    });
    expect(clock.sleepers()).toBe(0);
  });

  it('gives up when no answer comes in time', async () => {
    const { clock, api } = openGmail({
      timeoutMs: 60_000,
      transport: (simulator) => async (request) =>
        request.url.endsWith('/token') ? await simulator.transport(request) : await new Promise(() => {}),
    });
    await clock.run(async () => {
      const before = clock.now();
      expect(await failureOf(api.getProfile())).toEqual({ kind: 'unavailable', status: null });
      expect(clock.now() - before).toBe(60_000);
    });
  });

  it('shows no token in what it throws', async () => {
    const { clock, api, simulator, tokens } = openGmail();
    const thrown = await clock.run(async () => {
      const token = await tokens.accessToken();
      simulator.faults.add({ effect: { kind: 'reset' } });
      const error: unknown = await api.getProfile().catch((caught: unknown) => caught);
      return { token, error };
    });
    const { inspect } = await import('node:util');
    expect(inspect(thrown.error, { depth: 10, showHidden: true })).toContain('ECONNRESET');
    expect(inspect(thrown.error, { depth: 10, showHidden: true })).not.toContain(thrown.token);
  });
});
