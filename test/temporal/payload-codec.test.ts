import { randomBytes } from 'node:crypto';

import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import { request as undiciRequest } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startCodecServer } from '../../src/temporal/codec-server.ts';
import { loadConfig } from '../../src/config/config.ts';
import { payloadCodecOf } from '../../src/temporal/payload-codec.ts';
import type { HttpServer } from '../../src/host/http-server.ts';
import { systemClock } from '../../src/host/system-clock.ts';

const [OLD, NEW] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];

async function codecWith(env: Record<string, string>): Promise<PayloadCodec> {
  const codec = await payloadCodecOf(loadConfig({ env: { HOME: '/nowhere', ...env } }), systemClock);
  if (codec === null) throw new Error('no codec');
  return codec;
}

const plain = (value: unknown): Payload => {
  const payload = defaultPayloadConverter.toPayload(value);
  if (payload === undefined) throw new Error('not convertible');
  return payload;
};
const valueOf = (payload: Payload | undefined): unknown =>
  payload === undefined ? null : defaultPayloadConverter.fromPayload(payload);

describe('the payload codec', () => {
  it('exists only when a key is configured', async () => {
    expect(await payloadCodecOf(loadConfig({ env: { HOME: '/nowhere' } }), systemClock)).toBeNull();
  });

  it('encrypts value and encoding, names its key, and decrypts', async () => {
    const codec = await codecWith({ TIDEMARK_PAYLOAD_KEY: NEW });
    const [sealed] = await codec.encode([plain({ mailbox: 'ada@example.com' })]);
    expect(Buffer.from(sealed?.metadata?.['encoding'] ?? []).toString()).toBe('binary/encrypted');
    expect(Buffer.from(sealed?.metadata?.['encryption-key-id'] ?? []).toString()).toMatch(/^[0-9a-f]{16}$/);
    expect(Buffer.from(sealed?.data ?? []).toString('latin1')).not.toMatch(/mailbox|json/);
    expect(valueOf((await codec.decode(sealed === undefined ? [] : [sealed]))[0])).toEqual({
      mailbox: 'ada@example.com',
    });
  });

  it('reads what a former key encrypted, and what is not encrypted', async () => {
    const before = await (await codecWith({ TIDEMARK_PAYLOAD_KEY: OLD })).encode([plain('old')]);
    const codec = await codecWith({ TIDEMARK_PAYLOAD_KEY: NEW, TIDEMARK_OLD_PAYLOAD_KEYS: OLD });
    expect((await codec.decode([...before, plain('never encrypted')])).map(valueOf)).toEqual([
      'old',
      'never encrypted',
    ]);
    expect(await codec.decode([])).toEqual([]);
  });

  it('that is switched off encrypts nothing, and reads what was encrypted', async () => {
    const before = await (await codecWith({ TIDEMARK_PAYLOAD_KEY: OLD })).encode([plain('old')]);
    const codec = await codecWith({ TIDEMARK_OLD_PAYLOAD_KEYS: OLD });
    const open = plain('open');
    expect(await codec.encode([open])).toEqual([open]);
    expect((await codec.decode([...before, open])).map(valueOf)).toEqual(['old', 'open']);
  });

  it('says which key is missing, and notices a payload that was changed', async () => {
    const [sealed] = await (await codecWith({ TIDEMARK_PAYLOAD_KEY: OLD })).encode([plain('x')]);
    if (sealed === undefined) throw new Error('nothing encoded');
    const id = Buffer.from(sealed.metadata?.['encryption-key-id'] ?? []).toString();
    await expect((await codecWith({ TIDEMARK_PAYLOAD_KEY: NEW })).decode([sealed])).rejects.toThrow(
      `the key ${id}, which is not at hand`,
    );
    const data = Buffer.from(sealed.data ?? []);
    data[20] = (data[20] ?? 0) ^ 1;
    await expect((await codecWith({ TIDEMARK_PAYLOAD_KEY: OLD })).decode([{ ...sealed, data }])).rejects.toThrow(
      'damaged',
    );
  });
});

describe('the codec server', () => {
  const ui = 'http://localhost:8233';
  let codec: PayloadCodec;
  let server: HttpServer;
  beforeEach(async () => {
    codec = await codecWith({ TIDEMARK_PAYLOAD_KEY: NEW });
    server = await startCodecServer({ codec, origins: [ui], port: 0, host: '127.0.0.1', clock: systemClock });
  });
  afterEach(() => server.close());

  const post = (path: string, body: string, origin = ui): Promise<Response> =>
    fetch(`${server.url}${path}`, { method: 'POST', body, headers: { origin, 'content-type': 'application/json' } });
  const jsonOf = (payloads: readonly Payload[]): string =>
    JSON.stringify({
      payloads: payloads.map(({ metadata, data }) => ({
        metadata: Object.fromEntries(
          Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
        ),
        data: Buffer.from(data ?? []).toString('base64'),
      })),
    });

  it("decrypts for pages of Temporal's UI, and for no other page", async () => {
    const response = await post('/decode', jsonOf(await codec.encode([plain({ phase: 'live' })])));
    expect(response.headers.get('access-control-allow-origin')).toBe(ui);
    const { payloads } = (await response.json()) as { payloads: { metadata: { encoding: string }; data: string }[] };
    expect(Buffer.from(payloads[0]?.data ?? '', 'base64').toString()).toBe('{"phase":"live"}');
    expect(Buffer.from(payloads[0]?.metadata.encoding ?? '', 'base64').toString()).toBe('json/plain');
    const asks = {
      origin: ui,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-namespace',
    };
    expect(
      (await fetch(`${server.url}/decode`, { method: 'OPTIONS', headers: asks })).headers.get(
        'access-control-allow-origin',
      ),
    ).toBe(ui);
    const stranger = await post('/decode', '{"payloads":[]}', 'https://evil.example');
    expect([stranger.status, stranger.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });

  it("decrypts for programs such as Temporal's CLI, but for no page whose name resolves here", async () => {
    const body = jsonOf(await codec.encode([plain('x')]));
    const decode = async (headers: Record<string, string>): Promise<number> => {
      const response = await undiciRequest(`${server.url}/decode`, { method: 'POST', headers, body });
      await response.body.dump();
      return response.statusCode;
    };
    expect(await decode({ 'content-type': 'application/json' })).toBe(200);
    expect(await decode({ 'content-type': 'application/json', host: 'localhost:1' })).toBe(200);
    expect(await decode({ 'content-type': 'application/json', host: 'evil.example' })).toBe(403);
    expect(await decode({ 'content-type': 'text/plain' })).toBe(415);
  });

  it('encrypts nothing, and refuses what it cannot read', async () => {
    expect((await post('/encode', jsonOf([plain('x')]))).status).toBe(404);
    expect((await post('/decode', 'no json')).status).toBe(400);
    const other = await (await codecWith({ TIDEMARK_PAYLOAD_KEY: OLD })).encode([plain('x')]);
    expect((await post('/decode', jsonOf(other))).status).toBe(400);
  });
});
