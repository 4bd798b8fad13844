import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';

import { createGoogleGmail } from '../../src/gmail/api/google-gmail.ts';
import { GmailError } from '../../src/gmail/api/gmail-error.ts';
import { createUndiciTransport } from '../../src/gmail/api/undici-transport.ts';
import { historyId, messageId } from '../../src/model/ids.ts';
import { ADA } from '../fixtures/gmail/gmail-fixture.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const MIB = 2 ** 20;
const LISTED = '{"id":"19aa0000000000aa","threadId":"19aa0000000000aa"},'.repeat(20_000);

/** 250 MB of ids, made while they are sent. */
function* endless(): Generator<string> {
  yield '{"messages":[';
  for (let size = 0; size < 250 * MIB; size += LISTED.length) yield LISTED;
  yield '{"id":"19aa0000000000aa","threadId":"19aa0000000000aa"}]}';
}

async function serve(answer: (path: string, response: ServerResponse) => void) {
  const server = createServer((request, response) => answer(request.url ?? '', response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const { transport, close } = createUndiciTransport();
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
    close,
  );
  const clock = { now: () => Date.now(), sleep: () => new Promise<void>(() => undefined), random: () => 0.5 };
  const tokens = { accessToken: async () => 'token', invalidate: () => undefined };
  return createGoogleGmail({ mailbox: ADA, tokens, transport, rootUrl: `http://127.0.0.1:${address.port}`, clock });
}

const errorOf = async (promise: Promise<unknown>): Promise<GmailError> => {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error instanceof GmailError) return error;
  throw error ?? new Error('it did not fail');
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Memory in use after a collection: this process also makes what it is sent, and that garbage must not count. */
const held = (): number => {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

describe('250 MB as a page of ids', () => {
  it.each(['identity', 'gzip'])('end the call early, name the limit and take little memory: %s', async (encoding) => {
    let sent = 0;
    const api = await serve((_path, response) => {
      response.setHeader('content-encoding', encoding);
      const source = Readable.from(endless()).on('data', (piece: string) => (sent += piece.length));
      source.on('error', () => undefined);
      response.on('error', () => undefined).on('close', () => source.destroy());
      if (encoding === 'gzip') source.pipe(createGzip()).pipe(response);
      else source.pipe(response);
    });
    const before = held();
    let most = before;
    let watch: NodeJS.Timeout | undefined;
    // A look stops everything else, for longer on a busy machine: at most a quarter of the time goes into looks.
    const look = (): void => {
      const began = performance.now();
      most = Math.max(most, held());
      watch = setTimeout(look, 3 * (performance.now() - began));
    };
    look();
    const { message, failure } = await errorOf(api.listMessages({ includeSpamTrash: false, pageToken: null }));
    look();
    clearTimeout(watch);
    expect(failure.kind).toBe('unavailable');
    expect(message).toContain('Gmail gave no usable answer to messages.list (the answer is larger than 4 MiB)');
    expect(most - before).toBeLessThan(64 * MIB);
    // Compressed, all of it may arrive before it is looked at.
    expect(sent).toBeLessThan(encoding === 'gzip' ? 300 * MIB : 64 * MIB);
  });
});

it('a page of history that is too large is asked for again with fewer records, until it fits', async () => {
  const asked: number[] = [];
  const record = { id: '5', messagesDeleted: [{ message: { id: 'a'.repeat(200), threadId: 'b'.repeat(200) } }] };
  const large = JSON.stringify({
    history: Array.from({ length: 500 }, () => ({ ...record, messages: 'x'.repeat(40_000) })),
    historyId: '9',
  });
  const api = await serve((path, response) => {
    const most = Number(new URL(path, 'http://localhost').searchParams.get('maxResults'));
    asked.push(most);
    response.end(most > 50 ? large : JSON.stringify({ history: [record], historyId: '9' }));
  });
  const query = { startHistoryId: historyId('1'), pageToken: null };
  for (let attempt = 0; attempt < 2; attempt++)
    expect((await errorOf(api.listHistory(query))).message).toContain('larger than 16 MiB');
  expect((await api.listHistory(query)).records).toHaveLength(1);
  expect(asked).toEqual([500, 100, 20]);
});

it('a batch may hold whole messages', async () => {
  const message = JSON.stringify({
    id: 'm',
    threadId: 't',
    historyId: '1',
    payload: { body: { data: 'x'.repeat(30 * MIB) } },
  });
  const api = await serve((_path, response) => {
    response.setHeader('content-type', 'multipart/mixed; boundary=b');
    response.end(
      '--b\r\nContent-Type: application/http\r\nContent-ID: <response-part-0>\r\n\r\nHTTP/1.1 200 OK\r\n' +
        `Content-Type: application/json\r\n\r\n${message}\r\n--b--\r\n`,
    );
  });
  expect(await api.batchGet([{ kind: 'message', id: messageId('m') }], 'full')).toMatchObject([
    { kind: 'fetched', messages: [{ id: 'm' }] },
  ]);
});
