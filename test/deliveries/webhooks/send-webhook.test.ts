import { once } from 'node:events';
import { connect } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { generateWebhookSecret, receiverKeyOf } from '../../../src/deliveries/webhooks/webhook-secret.ts';
import { hurriedClock } from '../../fixtures/host/hurried-clock.ts';
import { certificateOf } from '../../fixtures/host/webhook-receiver.ts';
import { secret, useSending } from './sending.ts';

const { receiver, sender } = useSending();
/** Senders of these tests reach receivers on this machine. */
const local = { allowPrivate: true };

describe('a webhook', () => {
  it('is a signed POST of JSON, which a receiver verifies with the library of Standard Webhooks', async () => {
    const server = await receiver();
    expect(await sender()(`http://127.0.0.1:${server.port}/hooks/mail?tenant=7`, local)).toEqual({ kind: 'accepted' });
    const [request] = server.received;
    expect(request).toMatchObject({ method: 'POST', path: '/hooks/mail?tenant=7', body: '{"type":"webhook.test"}' });
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': 'dlv_1' });
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request?.headers ?? {};
    const headers = {
      'webhook-id': String(id),
      'webhook-timestamp': String(time),
      'webhook-signature': String(signature),
    };
    expect(new Webhook(receiverKeyOf(secret).reveal()).verify(request?.body ?? '', headers)).toEqual({
      type: 'webhook.test',
    });
  });

  it('carries one signature for each secret of a rotation', async () => {
    const server = await receiver();
    const secrets = [generateWebhookSecret('ed25519'), generateWebhookSecret(), secret];
    await sender()(`http://127.0.0.1:${server.port}/`, { ...local, secrets });
    expect(server.received[0]?.headers['webhook-signature']).toMatch(/^v1a,\S{88} v1,\S{44} v1,\S{44}$/);
  });

  it('goes over the connection of the webhook before', async () => {
    const server = await receiver();
    server.answers(200, {}, 'thanks'.repeat(100));
    const send = sender();
    for (let time = 0; time < 5; time++) await send(`http://127.0.0.1:${server.port}/`, local);
    server.answers(500, {}, 'sorry'.repeat(100));
    await send(`http://127.0.0.1:${server.port}/`, local);
    expect(server.received.length).toBe(6);
    // A request may begin before the connection of the previous one is free again.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('waits for a free connection when a receiver has eight open', async () => {
    const server = await receiver();
    const waiting: (() => void)[] = [];
    server.answer = (response) => waiting.push(() => response.end());
    const send = sender();
    const sent = Array.from({ length: 20 }, () => send(`http://127.0.0.1:${server.port}/`, local));
    await expect.poll(() => server.received.length).toBe(8);
    server.answer = (response) => response.end();
    for (const answer of waiting) answer();
    expect(await Promise.all(sent)).toEqual(Array.from({ length: 20 }, () => ({ kind: 'accepted' })));
    expect(server.connections).toBeLessThanOrEqual(8);
  });
});

describe('an answer', () => {
  it.each([200, 201, 202, 204, 299])('%i accepts', async (status) => {
    const server = await receiver();
    server.answers(status);
    expect(await sender()(`http://127.0.0.1:${server.port}/`, local)).toEqual({ kind: 'accepted' });
  });

  it('410 ends the subscription', async () => {
    const server = await receiver();
    server.answers(410, {}, 'we have moved on');
    const host = `127.0.0.1:${server.port}`;
    expect(await sender()(`http://${host}/`, local)).toEqual({
      kind: 'ended',
      reason: `${host} answered 410: it wants no more deliveries`,
      answer: 'we have moved on',
    });
  });

  it.each([400, 401, 404, 409, 422, 500, 501, 502, 504])('%i is tried again', async (status) => {
    const server = await receiver();
    server.answers(status);
    const host = `127.0.0.1:${server.port}`;
    expect(await sender()(`http://${host}/?secret=in-the-url`, local)).toEqual({
      kind: 'retry',
      reason: `${host} answered ${status}`,
      notBefore: null,
      answer: null,
    });
  });

  it.each([
    [429, '7', 7_000],
    [503, '0', 0],
    [503, '999999999', 86_400_000],
    [503, '-5', null],
    [503, '1.5', null],
    [503, 'soon', null],
    [503, 'Wed, 21 Oct 2015 07:28:00 GMT', 0],
    [503, 'Fri, 01 Jan 2100 00:00:00 GMT', 86_400_000],
  ])('%i with Retry-After %j asks to wait for %j ms', async (status, header, notBefore) => {
    const server = await receiver();
    server.answers(status, { 'retry-after': header });
    expect(await sender()(`http://127.0.0.1:${server.port}/`, local)).toMatchObject({ kind: 'retry', notBefore });
  });

  it('with a date in Retry-After asks to wait until then', async () => {
    const server = await receiver();
    server.answer = (response) =>
      void response.writeHead(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }).end();
    const outcome = await sender()(`http://127.0.0.1:${server.port}/`, local);
    const { notBefore } = outcome.kind === 'retry' ? outcome : { notBefore: null };
    expect(notBefore).toBeGreaterThan(50_000);
    expect(notBefore).toBeLessThanOrEqual(60_000);
  });

  it('is shown in part, in one line, with its control characters visible', async () => {
    const server = await receiver();
    server.answers(500, {}, `first\nsecond\u001B[31m${'x'.repeat(2 ** 20)}`);
    const outcome = await sender()(`http://127.0.0.1:${server.port}/`, local);
    const answer = outcome.kind === 'retry' ? outcome.answer : null;
    expect(answer).toMatch(/^first\\u000asecond\\u001b\[31mx+…$/);
    expect(answer?.length).toBeLessThan(600);
  });

  it('that never ends is not read to its end', async () => {
    const server = await receiver();
    let written = 0;
    server.answer = (response) => {
      response.writeHead(500);
      const write = (): void => {
        while (written < 2 ** 28 && response.write(Buffer.alloc(2 ** 16, 'x'))) written += 2 ** 16;
      };
      response.on('drain', write);
      write();
    };
    expect(await sender()(`http://127.0.0.1:${server.port}/`, local)).toMatchObject({ kind: 'retry' });
    expect(written).toBeLessThan(2 ** 25);
  });

  it('that accepts but never ends has accepted', async () => {
    const server = await receiver();
    server.answer = (response) => void response.writeHead(200).write('o');
    expect(await sender({ clock: hurriedClock })(`http://127.0.0.1:${server.port}/`, local)).toEqual({
      kind: 'accepted',
    });
  });
});

describe('a receiver that is not reached', () => {
  it('because it does not answer is asked again, and not said to be out of reach', async () => {
    const server = await receiver();
    server.answer = () => undefined;
    const host = `127.0.0.1:${server.port}`;
    expect(await sender({ clock: hurriedClock })(`http://${host}/`, local)).toEqual({
      kind: 'retry',
      reason: `${host} did not answer: nothing came in time`,
      notBefore: null,
      answer: null,
    });
  });

  it('because it hangs up is asked again', async () => {
    const server = await receiver();
    server.answer = (response) => response.socket?.destroy();
    expect(await sender()(`http://127.0.0.1:${server.port}/`, local)).toMatchObject({
      kind: 'retry',
      reason: expect.stringMatching(/ did not answer: it closed the connection before it answered/),
    });
  });

  it('because nothing listens is asked again', async () => {
    // The near end of a connection has a port that is taken, and on which nothing listens.
    const taken = connect((await receiver()).port, '127.0.0.1');
    await once(taken, 'connect');
    expect(await sender()(`http://127.0.0.1:${taken.localPort}/`, local)).toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining('it refused the connection (ECONNREFUSED)'),
    });
    taken.destroy();
  });

  it.each([
    ['has no address', async () => []],
    [
      'could not be resolved now',
      async () => {
        throw Object.assign(new Error('getaddrinfo'), { code: 'EAI_AGAIN' });
      },
    ],
  ])('because its name %s is asked again', async (why, resolve) => {
    expect(await sender({ resolve })('https://hooks.example.com/', local)).toMatchObject({
      kind: 'retry',
      reason: expect.stringMatching(`hooks.example.com was not reached: its name ${why}`),
    });
  });

  it('because the caller stops has no outcome', async () => {
    const server = await receiver();
    const stop = new AbortController();
    server.answer = () => stop.abort(new Error('the worker stops'));
    const url = `http://127.0.0.1:${server.port}/`;
    await expect(sender()(url, local, stop.signal)).rejects.toThrow('the worker stops');
    await expect(sender()(url, local, stop.signal)).rejects.toThrow('the worker stops');
    expect(server.received.length).toBe(1);
  });
});

describe('over https, a receiver', () => {
  const trusted = certificateOf('hooks.example.com');
  const before = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...before, trusted.cert]));
  afterAll(() => setDefaultCACertificates(before));
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
  const allowedNetworks = ['127.0.0.1'];

  it('with a trusted certificate gets the webhook', async () => {
    const server = await receiver({ tls: trusted });
    const send = sender({ resolve, allowedNetworks });
    expect(await send(`https://hooks.example.com:${server.port}/`)).toEqual({ kind: 'accepted' });
    expect(server.received[0]?.headers.host).toBe(`hooks.example.com:${server.port}`);
  });

  it.each([
    ['of another name', 'other.example.com', trusted, 'its certificate is that of another name'],
    [
      'of an unknown authority',
      'hooks.example.com',
      certificateOf('hooks.example.com'),
      'its certificate is signed by no known authority',
    ],
  ])('with a certificate %s gets nothing', async (_, name, tls, why) => {
    const server = await receiver({ tls });
    const send = sender({ resolve, allowedNetworks });
    expect(await send(`https://${name}:${server.port}/`)).toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining(why),
    });
    expect(server.received).toEqual([]);
  });
});
