import { createVerify, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { GoogleCredentials } from '../../src/gmail/access/credentials.ts';
import { GmailError } from '../../src/gmail/api/gmail-error.ts';
import { createTokenSource } from '../../src/gmail/access/create-token-source.ts';
import type { TokenSourceOptions } from '../../src/gmail/access/way-to-tokens.ts';
import type { HttpRequest } from '../../src/gmail/api/transport.ts';
import { createVirtualClock } from '../fixtures/host/virtual-clock.ts';
import { ADA } from '../fixtures/gmail/gmail-fixture.ts';

const USER: GoogleCredentials = {
  type: 'authorized_user',
  clientId: 'client',
  clientSecret: 'secret',
  refreshToken: 'refresh',
  scopes: null,
};

/** A token endpoint that answers after a second: token-1, token-2, … */
function open(
  options: Partial<TokenSourceOptions> = {},
  answer?: (asked: number, request: HttpRequest) => { status: number; body: unknown } | 'silence',
  machine = { ahead: 0 },
) {
  const clock = createVirtualClock();
  const requests: HttpRequest[] = [];
  const source = createTokenSource({
    credentials: USER,
    mailbox: ADA,
    tokenUrl: 'https://oauth2.example/token',
    scopes: ['scope-a', 'scope-b'],
    clock: { ...clock, now: () => clock.now() + machine.ahead },
    transport: async (request) => {
      requests.push(request);
      const { status, body } = await respond(requests.length, request);
      return {
        status,
        headers: { date: new Date(clock.now()).toUTCString() },
        body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      };
    },
    ...options,
  });
  async function respond(asked: number, request: HttpRequest): Promise<{ status: number; body: unknown }> {
    await clock.sleep(1_000, request.signal);
    const given = answer?.(asked, request) ?? {
      status: 200,
      body: { access_token: `token-${asked}`, expires_in: 3_599 },
    };
    return given === 'silence' ? await new Promise(() => {}) : given;
  }
  return { clock, source, requests, form: (index: number) => new URLSearchParams(requests[index]?.body) };
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error instanceof GmailError ? error.failure : error;
  }
  throw new Error('it did not fail');
}

describe('a token source', () => {
  it('asks once for all callers that wait, and keeps the token until shortly before it expires', async () => {
    const { clock, source, requests, form } = open();
    await clock.run(async () => {
      expect(await Promise.all([source.accessToken(), source.accessToken(), source.accessToken()])).toEqual([
        'token-1',
        'token-1',
        'token-1',
      ]);
      await clock.sleep(3_500_000);
      expect(await source.accessToken()).toBe('token-1');
      await clock.sleep(60_000);
      expect(await source.accessToken()).toBe('token-2');
    });
    expect(requests).toHaveLength(2);
    expect(Object.fromEntries(form(0))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'client',
      client_secret: 'secret',
      refresh_token: 'refresh',
    });
  });

  it('fetches a new token after the cached one was refused, but not after an older one was', async () => {
    const { clock, source, requests } = open();
    await clock.run(async () => {
      source.invalidate(await source.accessToken());
      expect(await source.accessToken()).toBe('token-2');
      source.invalidate('token-1');
      expect(await source.accessToken()).toBe('token-2');
    });
    expect(requests).toHaveLength(2);
  });

  it('asks again once after the clock was put back by a day, since its token may have expired', async () => {
    const machine = { ahead: 24 * 3_600_000 };
    const { clock, source, requests } = open({}, undefined, machine);
    await clock.run(async () => {
      expect(await source.accessToken()).toBe('token-1');
      machine.ahead = 0;
      expect([await source.accessToken(), await source.accessToken(), await source.accessToken()]).toEqual([
        'token-2',
        'token-2',
        'token-2',
      ]);
    });
    expect(requests).toHaveLength(2);
  });

  it('asks again only once after the clock jumped ahead by a day', async () => {
    const machine = { ahead: 0 };
    const { clock, source, requests } = open({}, undefined, machine);
    await clock.run(async () => {
      expect(await source.accessToken()).toBe('token-1');
      machine.ahead = 24 * 3_600_000;
      expect([await source.accessToken(), await source.accessToken(), await source.accessToken()]).toEqual([
        'token-2',
        'token-2',
        'token-2',
      ]);
    });
    expect(requests).toHaveLength(2);
  });

  it('lets one caller abort at once without failing the others', async () => {
    const { clock, source, requests } = open();
    const controller = new AbortController();
    await clock.run(async () => {
      const impatient = failureOf(source.accessToken(controller.signal));
      const patient = source.accessToken();
      await clock.sleep(500);
      controller.abort(new Error('enough'));
      const abortedAt = clock.now();
      expect(await impatient).toEqual(new Error('enough'));
      expect(clock.now()).toBe(abortedAt);
      expect(await patient).toBe('token-1');
    });
    expect(requests).toHaveLength(1);
  });

  it('ends the request when the last caller has gone, and asks again for the next', async () => {
    const { clock, source, requests } = open();
    const controller = new AbortController();
    await clock.run(async () => {
      const only = failureOf(source.accessToken(controller.signal));
      await clock.sleep(500);
      controller.abort(new Error('enough'));
      await only;
      expect(requests[0]?.signal?.aborted).toBe(true);
      expect(await source.accessToken()).toBe('token-2');
    });
  });

  it('distinguishes a revoked grant from an endpoint in trouble, and tries again after either', async () => {
    const answers = [
      { status: 400, body: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' } },
      { status: 503, body: '<html>' },
      { status: 200, body: '{"access_token": "cut of' },
      { status: 200, body: { access_token: 'token-4', expires_in: 3_599 } },
    ];
    const { clock, source } = open({}, (asked) => answers[asked - 1] ?? { status: 500, body: '' });
    await clock.run(async () => {
      expect(await failureOf(source.accessToken())).toEqual({ kind: 'consent-revoked' });
      expect(await failureOf(source.accessToken())).toEqual({ kind: 'unavailable', status: 503 });
      expect(await failureOf(source.accessToken())).toEqual({
        kind: 'unavailable',
        status: 200,
        detail: 'the answer is not what Google documents',
      });
      expect(await source.accessToken()).toBe('token-4');
    });
  });

  it.each([
    [
      'a token with a line break',
      { access_token: 'a\r\nb: c', expires_in: 3_599 },
      'access_token is not what Google documents',
    ],
    [
      'an endless token',
      { access_token: 'a'.repeat(100_000), expires_in: 3_599 },
      'access_token is not what Google documents',
    ],
    [
      'a token for a thousand years',
      { access_token: 'a', expires_in: 3e10 },
      'expires_in is not what Google documents',
    ],
    ['a token that has expired', { access_token: 'a', expires_in: -1 }, 'expires_in is not what Google documents'],
    ['a number as the token', { access_token: 12, expires_in: 3_599 }, 'access_token is not what Google documents'],
  ])('refuses %s at once, and asks for another', async (_, body, detail) => {
    const answers = [
      { status: 200, body },
      { status: 200, body: { access_token: 'token-2', expires_in: 3_599 } },
    ];
    const { clock, source } = open({}, (asked) => answers[asked - 1] ?? { status: 500, body: '' });
    await clock.run(async () => {
      expect(await failureOf(source.accessToken())).toEqual({ kind: 'unavailable', status: 200, detail });
      expect(await source.accessToken()).toBe('token-2');
    });
  });

  it('gives up on an endpoint that does not answer in time', async () => {
    const { clock, source } = open({ timeoutMs: 30_000 }, () => 'silence');
    await clock.run(async () => {
      const before = clock.now();
      expect(await failureOf(source.accessToken())).toEqual({ kind: 'unavailable', status: null });
      expect(clock.now() - before).toBe(30_000);
    });
  });
});

describe('a service account', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const credentials: GoogleCredentials = {
    type: 'service_account',
    clientEmail: 'robot@project.iam.gserviceaccount.com',
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKeyId: 'k1',
  };

  it('signs that it acts for the mailbox, for an hour, with the scopes asked for', async () => {
    const { clock, source, form } = open({ credentials });
    const now = Math.floor(clock.now() / 1_000);
    expect(await clock.run(() => source.accessToken())).toBe('token-1');
    const [header = '', claims = '', signature = ''] = (form(0).get('assertion') ?? '').split('.');
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(read(header)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' });
    expect(read(claims)).toEqual({
      iss: credentials.clientEmail,
      sub: ADA,
      scope: 'scope-a scope-b',
      aud: 'https://oauth2.example/token',
      iat: now,
      exp: now + 3_600,
    });
    expect(createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(publicKey, signature, 'base64url')).toBe(
      true,
    );
  });

  const SHORT_LIVED = {
    error: 'invalid_grant',
    error_description:
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ' +
      'Check your iat and exp values in the JWT claim.',
  };
  const issuedAt = (request: HttpRequest): number => {
    const [, claims = ''] = (new URLSearchParams(request.body).get('assertion') ?? '').split('.');
    return z.object({ iat: z.number() }).parse(JSON.parse(Buffer.from(claims, 'base64url').toString())).iat * 1_000;
  };

  it.each([20 * 60_000, -90 * 60_000])(
    'on a machine whose clock is %i ms ahead signs by Google’s time at the second try',
    async (ahead) => {
      const machine = { ahead };
      const { clock, source, requests } = open(
        { credentials },
        (asked, request) =>
          Math.abs(issuedAt(request) - clock.now()) > 5 * 60_000
            ? { status: 400, body: SHORT_LIVED }
            : { status: 200, body: { access_token: `token-${asked}`, expires_in: 3_599 } },
        machine,
      );
      await clock.run(async () => {
        expect(await source.accessToken()).toBe('token-2');
        expect(await source.accessToken()).toBe('token-2');
      });
      expect(requests).toHaveLength(2);
    },
  );

  it('that Google refuses for its time says to check the clock, and does not ask a third time', async () => {
    const { clock, source, requests } = open({ credentials }, () => ({ status: 400, body: SHORT_LIVED }), {
      ahead: 600_000,
    });
    const error = await clock.run(() => source.accessToken().catch((caught: unknown) => caught));
    expect(error).toMatchObject({
      failure: { kind: 'unavailable', status: 400 },
      message: expect.stringContaining("look at this machine's clock, and set it by NTP"),
    });
    expect(requests).toHaveLength(2);
  });

  it('whose key cannot be read says so without showing it', async () => {
    const { clock, source } = open({
      credentials: { ...credentials, privateKey: '-----BEGIN PRIVATE KEY-----\nbroken-key\n-----END PRIVATE KEY-----' },
    });
    const error = await clock.run(() => source.accessToken().catch((caught: unknown) => caught));
    expect(error).toMatchObject({ failure: { kind: 'mailbox-unavailable', reason: 'privateKeyUnreadable' } });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('broken-key');
  });
});
