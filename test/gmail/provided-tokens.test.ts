import { describe, expect, it } from 'vitest';

import { createTokenSource } from '../../src/gmail/access/create-token-source.ts';
import {
  AccessRevokedError,
  type ProvidedToken,
  type TokenProvider,
  type TokenRequest,
} from '../../src/gmail/access/token-provider.ts';
import { GmailError } from '../../src/gmail/api/gmail-error.ts';
import { ADA } from '../fixtures/gmail/gmail-fixture.ts';
import { createVirtualClock } from '../fixtures/host/virtual-clock.ts';

const HOUR = 3_600_000;

type Answer = (asked: number, request: TokenRequest) => ProvidedToken | Promise<ProvidedToken>;

/** A provider that takes a second to answer token-1, token-2, …, each good for an hour, or what `answer` gives. */
function open(answer?: Answer) {
  const clock = createVirtualClock();
  const asked: TokenRequest[] = [];
  let running = 0;
  const most = { atOnce: 0 };
  const provider: TokenProvider = async (mailbox, request) => {
    expect(mailbox).toBe(ADA);
    asked.push(request);
    most.atOnce = Math.max(most.atOnce, ++running);
    try {
      await clock.sleep(1_000);
      return answer === undefined
        ? { accessToken: `token-${asked.length}`, expiresAt: clock.now() + HOUR }
        : await answer(asked.length, request);
    } finally {
      running -= 1;
    }
  };
  const source = createTokenSource({
    credentials: { type: 'token_provider', provider },
    mailbox: ADA,
    tokenUrl: 'https://oauth2.example/token',
    scopes: [],
    clock,
    transport: async () => {
      throw new Error('Google is not asked for tokens');
    },
  });
  return { clock, source, asked, most };
}

async function errorOf(promise: Promise<unknown>): Promise<GmailError> {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error instanceof GmailError) return error;
  throw new Error('it did not fail as a call to Gmail does', { cause: error });
}

describe('a token provider', () => {
  it('is asked once for all callers that wait, and again shortly before the token expires', async () => {
    const { clock, source, asked, most } = open();
    await clock.run(async () => {
      const both = [source.accessToken(), source.accessToken()];
      expect(await Promise.all(both)).toEqual(['token-1', 'token-1']);
      await clock.sleep(HOUR - 61_000);
      expect(await source.accessToken()).toBe('token-1');
      await clock.sleep(2_000);
      expect(await source.accessToken()).toBe('token-2');
    });
    expect(asked.map(({ refused }) => refused)).toEqual([false, false]);
    expect(most.atOnce).toBe(1);
  });

  it('is told that Gmail refused the token until it gives another', async () => {
    const { clock, source, asked } = open((count) => {
      if (count === 2) throw new Error('the vault is sealed');
      return { accessToken: `token-${count}`, expiresAt: clock.now() + HOUR };
    });
    await clock.run(async () => {
      source.invalidate(await source.accessToken());
      await errorOf(source.accessToken());
      source.invalidate(await source.accessToken());
      expect(await source.accessToken()).toBe('token-4');
      source.invalidate('token-1');
      await clock.sleep(HOUR);
      expect(await source.accessToken()).toBe('token-5');
    });
    expect(asked.map(({ refused }) => refused)).toEqual([false, true, true, true, false]);
  });

  it('that says "revoked" in its own words is understood, and asked again later', async () => {
    const { clock, source } = open((count) => {
      if (count === 1) throw new AccessRevokedError('Ada withdrew it\nyesterday');
      return { accessToken: `token-${count}`, expiresAt: clock.now() + HOUR };
    });
    await clock.run(async () => {
      const error = await errorOf(source.accessToken());
      expect(error.failure).toEqual({ kind: 'consent-revoked', said: String.raw`Ada withdrew it\u000ayesterday` });
      expect(error.message).toContain(`${ADA}: the token provider says that its access was revoked`);
      expect(await source.accessToken()).toBe('token-2');
    });
  });

  it('that throws anything else counts as unavailable, and the text of its error is not repeated', async () => {
    const { clock, source } = open(() => {
      throw new RangeError('the token ya29.secret is too long');
    });
    const error = await clock.run(() => errorOf(source.accessToken()));
    expect(error.failure).toMatchObject({ kind: 'unavailable' });
    expect(error.message).toBe(
      `${ADA}: The token provider gave no usable answer to a request for an access token (it failed with RangeError).`,
    );
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  it('that hangs is given up after 15 seconds, and its signal aborts', async () => {
    const { clock, source, asked } = open(() => new Promise<never>(() => {}));
    await clock.run(async () => {
      const before = clock.now();
      expect((await errorOf(source.accessToken())).message).toContain('no answer within 15 seconds');
      expect(clock.now() - before).toBe(15_000);
    });
    expect(asked[0]?.signal.aborted).toBe(true);
  });

  const NOW = createVirtualClock().now();
  it.each<[string, ProvidedToken, RegExp]>([
    ['a token without text', { accessToken: '', expiresAt: NOW + HOUR }, /accessToken is not a text/],
    ['a token with a line break', { accessToken: 'a\r\nb', expiresAt: NOW + HOUR }, /accessToken is not a text/],
    ['a token that never expires', { accessToken: 'a', expiresAt: Infinity }, /expiresAt is not a time/],
    ['a token that has expired', { accessToken: 'a', expiresAt: NOW }, /has expired at 2026-11-22T09:00:00.000Z/],
    ['an expiry in seconds', { accessToken: 'a', expiresAt: NOW / 1_000 }, /expired at 1970-.*epoch milliseconds/],
  ])('that gives %s counts as unavailable, in words that name the mailbox', async (_, token, words) => {
    const { clock, source } = open(() => token);
    const error = await clock.run(() => errorOf(source.accessToken()));
    expect(error.failure.kind).toBe('unavailable');
    expect(error.message).toMatch(words);
    expect(error.message).toContain(ADA);
  });

  it('is asked again for the next call after a token with less than a minute left', async () => {
    const { clock, source } = open((count) => ({ accessToken: `token-${count}`, expiresAt: clock.now() + 30_000 }));
    await clock.run(async () => {
      expect([await source.accessToken(), await source.accessToken()]).toEqual(['token-1', 'token-2']);
    });
  });
});
