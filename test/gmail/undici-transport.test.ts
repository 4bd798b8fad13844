import { createServer, type RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { ResponseTooLargeError, SMALL_ANSWER } from '../../src/gmail/api/transport.ts';
import { createUndiciTransport, MOST_CONNECTIONS } from '../../src/gmail/api/undici-transport.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
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
  return { transport, url: `http://127.0.0.1:${address.port}` };
}

describe('the undici transport', () => {
  it('carries method, path, headers and body, and reuses the connection', async () => {
    const ports = new Set<number | undefined>();
    const { transport, url } = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      let text = '';
      request.on('data', (piece: Buffer) => (text += piece.toString()));
      request.on('end', () =>
        response
          .setHeader('X-Kind', ['a', 'b'])
          .end(JSON.stringify([request.method, request.url, request.headers['x-test'], text])),
      );
    });
    for (let time = 0; time < 10; time++) {
      const answer = await transport({
        method: 'POST',
        url: `${url}/batch/gmail/v1?a=b%20c`,
        headers: { 'x-test': 'yes' },
        body: 'one\r\ntwo',
      });
      expect(answer.status).toBe(200);
      expect(answer.headers['x-kind']).toBe('a, b');
      expect(JSON.parse(answer.body.toString())).toEqual(['POST', '/batch/gmail/v1?a=b%20c', 'yes', 'one\r\ntwo']);
    }
    // The second call may begin before the first one's connection is free again.
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  it('asks for gzip in the way that Google requires, and unpacks it', async () => {
    const body = 'mail '.repeat(10_000);
    const { transport, url } = await serve((request, response) => {
      const willing =
        /gzip/.test(String(request.headers['accept-encoding'])) && /gzip/.test(String(request.headers['user-agent']));
      response.setHeader('content-encoding', willing ? 'gzip' : 'identity').end(willing ? gzipSync(body) : body);
    });
    const answer = await transport({ method: 'GET', url, headers: {} });
    expect(answer.body.toString()).toBe(body);
    expect(answer.headers['content-encoding']).toBeUndefined();
  });

  it.each([
    ['plain', false],
    ['small as gzip', true],
  ])('stops at an answer that is too large: %s', async (_, zipped) => {
    const body = Buffer.alloc(2_000_000);
    const { transport, url } = await serve((_request, response) => {
      if (zipped) response.setHeader('content-encoding', 'gzip').end(gzipSync(body));
      else response.end(body);
    });
    await expect(transport({ method: 'GET', url, headers: {}, maxBytes: 1_000_000 })).rejects.toThrow(
      ResponseTooLargeError,
    );
    expect((await transport({ method: 'GET', url, headers: {}, maxBytes: 2_000_000 })).body).toHaveLength(2_000_000);
  });

  it('allows only a small answer where the request names no limit', async () => {
    const { transport, url } = await serve((_request, response) => response.end(Buffer.alloc(SMALL_ANSWER + 1)));
    await expect(transport({ method: 'GET', url, headers: {} })).rejects.toThrow('larger than 4 MiB');
  });

  it('rejects with the reason of the signal', async () => {
    const { transport, url } = await serve(() => {});
    const reason = new Error('enough');
    const controller = new AbortController();
    const call = transport({ method: 'GET', url, headers: {}, signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  it('rejects when the server breaks the connection', async () => {
    const broken = await serve((request) => request.socket.destroy());
    await expect(broken.transport({ method: 'GET', url: broken.url, headers: {} })).rejects.toThrow(
      /closed|reset|other side/i,
    );
  });

  it('opens no more connections than its limit', async () => {
    const sockets = new Set<number | undefined>();
    const { transport, url } = await serve((request, response) => {
      sockets.add(request.socket.remotePort);
      setImmediate(() => response.end('ok'));
    });
    const calls = Array.from({ length: 4 * MOST_CONNECTIONS }, () => transport({ method: 'GET', url, headers: {} }));
    await Promise.all(calls);
    expect(sockets.size).toBeLessThanOrEqual(MOST_CONNECTIONS);
  });
});
