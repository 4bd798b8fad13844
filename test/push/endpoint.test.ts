import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { MailboxNotRunningError, ServerUnreachableError } from '../../src/client/errors.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { TestEndpoint } from './endpoint-fixture.ts';
import { envelope } from '../fixtures/gmail/google.ts';

const ADA = mailboxId('ada@example.com');
const GOOD = envelope({ emailAddress: 'ada@example.com', historyId: '9876543210' });

let endpoint: TestEndpoint;
beforeEach(async () => {
  endpoint = await TestEndpoint.start();
});
afterEach(() => endpoint.close());

describe('a notification with a good token', () => {
  it.each([
    ['a text', '"9876543210"', '9876543210'],
    ['a number', '9876543210', '9876543210'],
    ['a text beyond 2^53', '"18446744073709551615"', '18446744073709551615'],
    ['a number beyond 2^53, which JSON rounds', '9007199254740993', null],
  ])('is accepted with historyId as %s', async (_as, written, expected) => {
    const body = envelope(`{"emailAddress": "ada@example.com", "historyId": ${written}}`);
    expect(await endpoint.post(body, await endpoint.google.token())).toBe(204);
    expect(endpoint.pokes).toEqual([{ mailbox: ADA, historyId: expected }]);
  });

  it('finds its mailbox in whatever case Gmail writes the address', async () => {
    expect(
      await endpoint.post(envelope({ emailAddress: 'Ada@Example.COM', historyId: 7 }), await endpoint.google.token()),
    ).toBe(204);
    expect(endpoint.pokes).toEqual([{ mailbox: ADA, historyId: '7' }]);
  });

  it('takes data in base64url, and either form of the issuer', async () => {
    const data = Buffer.from('{"emailAddress":"ada@example.com","historyId":"1","x":"???>>>"}').toString('base64url');
    expect(data).toMatch(/[-_]/);
    expect(
      await endpoint.post(
        JSON.stringify({ message: { data } }),
        await endpoint.google.token({ iss: 'accounts.google.com' }),
      ),
    ).toBe(204);
  });

  it('is harmless when it is replayed: it only pokes the mailbox again', async () => {
    const token = await endpoint.google.token();
    for (let time = 0; time < 3; time++) expect(await endpoint.post(GOOD, token)).toBe(204);
    expect(endpoint.pokes).toHaveLength(3);
  });

  it('is answered 204 only once Temporal has accepted the poke', async () => {
    const order: string[] = [];
    endpoint.accept = async () => {
      // An answer that did not wait would arrive before those of later requests.
      for (let probe = 0; probe < 5; probe++) await fetch(`${endpoint.url}/healthz`).then((health) => health.text());
      order.push('accepted');
    };
    order.push(`answered ${await endpoint.post(GOOD, await endpoint.google.token())}`);
    expect(order).toEqual(['accepted', 'answered 204']);
  });

  it('is acknowledged and counted when no such mailbox runs here', async () => {
    endpoint.accept = (mailbox) => Promise.reject(new MailboxNotRunningError(mailbox));
    expect(await endpoint.post(GOOD, await endpoint.google.token())).toBe(204);
    expect(endpoint.outcomes).toEqual(['unknown-mailbox']);
  });

  it('is not acknowledged while Temporal is away', async () => {
    endpoint.accept = () => Promise.reject(new ServerUnreachableError('127.0.0.1:7233'));
    expect(await endpoint.post(GOOD, await endpoint.google.token())).toBe(503);
    endpoint.accept = async () => undefined;
    expect(await endpoint.post(GOOD, await endpoint.google.token())).toBe(204);
    expect(endpoint.outcomes).toEqual(['failed', 'accepted']);
  });
});

describe('a token', () => {
  const now = Math.floor(Date.now() / 1_000);
  it.each([
    ['that is missing', () => null],
    ['that is garbage', () => 'garbage'],
    ['that has expired', (google: TestEndpoint['google']) => google.token({ iat: now - 3_700, exp: now - 100 })],
    ['without an expiry', (google: TestEndpoint['google']) => google.token({ exp: undefined })],
    ['that is not valid yet', (google: TestEndpoint['google']) => google.token({ nbf: now + 600 })],
    [
      'for another audience',
      (google: TestEndpoint['google']) => google.token({ aud: 'https://push.example.org/push' }),
    ],
    ['without an audience', (google: TestEndpoint['google']) => google.token({ aud: undefined })],
    ['of another issuer', (google: TestEndpoint['google']) => google.token({ iss: 'https://accounts.example.com' })],
    [
      'of another service account',
      (google: TestEndpoint['google']) => google.token({ email: 'other@my-project.iam.gserviceaccount.com' }),
    ],
    ['without an address', (google: TestEndpoint['google']) => google.token({ email: undefined })],
    ['of an address that is not verified', (google: TestEndpoint['google']) => google.token({ email_verified: false })],
    ['of an address verified in words', (google: TestEndpoint['google']) => google.token({ email_verified: 'true' })],
    [
      'that says nothing of verification',
      (google: TestEndpoint['google']) => google.token({ email_verified: undefined }),
    ],
    ['signed with another key', (google: TestEndpoint['google']) => google.forged()],
    [
      'signed with a key that Google does not have',
      (google: TestEndpoint['google']) => google.forged({}, { kid: 'another' }),
    ],
    ['unsigned (alg none)', (google: TestEndpoint['google']) => google.unsigned()],
    ['signed by HS256 with the public key', (google: TestEndpoint['google']) => google.hmac()],
  ])('%s is refused', async (_what, make) => {
    expect(await endpoint.post(GOOD, await make(endpoint.google))).toBe(401);
    expect(endpoint.pokes).toEqual([]);
    expect(endpoint.outcomes).toEqual(['unauthorized']);
  });

  it("is answered 503 while Google's keys cannot be read, so that Pub/Sub delivers again", async () => {
    endpoint.google.isUp = false;
    expect(await endpoint.post(GOOD, await endpoint.google.token())).toBe(503);
    expect(endpoint.pokes).toEqual([]);
    endpoint.google.isUp = true;
    expect(await endpoint.post(GOOD, await endpoint.google.token())).toBe(204);
  });

  it('with an unknown key does not make the endpoint ask Google for its keys each time', async () => {
    await endpoint.post(GOOD, await endpoint.google.token());
    for (let time = 0; time < 20; time++)
      await endpoint.post(GOOD, await endpoint.google.forged({}, { kid: `unknown-${time}` }));
    expect(endpoint.google.asked).toBe(1);
  });
});

describe('a body', () => {
  it.each([
    ['not JSON', 'emailAddress=ada@example.com'],
    ['nothing', ''],
    ['null', 'null'],
    ['no message', '{}'],
    ['a message without data', '{"message": {"messageId": "1"}}'],
    ['data that is not JSON', envelope('hello')],
    ['data without emailAddress', envelope({ historyId: 1 })],
    ['data without historyId', envelope({ emailAddress: 'ada@example.com' })],
    ['an address that is not one', envelope({ emailAddress: 'ada', historyId: 1 })],
    ['a mailbox that would leave its workflow id', envelope({ emailAddress: 'ada@example.com/../x', historyId: 1 })],
    ['a negative historyId', envelope({ emailAddress: 'ada@example.com', historyId: -1 })],
    ['a broken historyId', envelope({ emailAddress: 'ada@example.com', historyId: 1.5 })],
    ['a historyId beyond uint64', envelope({ emailAddress: 'ada@example.com', historyId: '18446744073709551616' })],
    ['a historyId in words', envelope({ emailAddress: 'ada@example.com', historyId: 'seven' })],
    ['a list', envelope([{ emailAddress: 'ada@example.com', historyId: 1 }])],
  ])('that is not a notification is refused: %s', async (_what, body) => {
    expect(await endpoint.post(body, await endpoint.google.token())).toBe(400);
    expect(endpoint.pokes).toEqual([]);
    expect(endpoint.outcomes).toEqual(['malformed']);
  });

  it('of 1 MB is refused, with a good token and without, and the endpoint goes on', async () => {
    const large = envelope({ emailAddress: 'ada@example.com', historyId: 1, more: 'x'.repeat(1_048_576) });
    expect(await endpoint.post(large, await endpoint.google.token())).toBe(413);
    expect(await endpoint.post(large, null)).toBe(401);
    expect(await endpoint.post(GOOD, await endpoint.google.token())).toBe(204);
  });

  it('of 1 MB in chunks, without a length, is refused as well', async () => {
    const piece = new TextEncoder().encode('x'.repeat(64 * 1_024));
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let pieces = 0; pieces < 16; pieces++) controller.enqueue(piece);
        controller.close();
      },
    });
    const headers = { authorization: `Bearer ${await endpoint.google.token()}` };
    // The connection may break while the rest is still being sent: then the answer cannot be read.
    const status = await fetch(`${endpoint.url}/push`, { method: 'POST', headers, body, duplex: 'half' }).then(
      (response) => response.status,
      () => 'broken',
    );
    expect([413, 'broken']).toContain(status);
    expect(endpoint.outcomes).toEqual(['too-large']);
    expect(endpoint.pokes).toEqual([]);
    expect(await endpoint.post(GOOD, await endpoint.google.token())).toBe(204);
  });
});

it('the endpoint refuses other methods and paths, and answers health probes', async () => {
  const status = async (path: string, method: string): Promise<number> =>
    (await fetch(`${endpoint.url}${path}`, { method })).status;
  expect(await status('/push', 'GET')).toBe(405);
  expect(await status('/', 'POST')).toBe(404);
  expect(await status('/healthz', 'GET')).toBe(200);
  expect(await status('/readyz', 'GET')).toBe(200);
});
