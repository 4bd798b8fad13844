import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import {
  AccessRevokedError,
  type ProvidedToken,
  type TokenProvider,
  type TokenRequest,
} from '../../src/gmail/access/token-provider.ts';
import { phaseOf } from '../../src/workflows/mailbox-state.ts';
import { simulatedWorker } from '../fixtures/gmail/simulated-worker.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const EVE = 'eve@example.com';

const TOKENS = z.object({ access_token: z.string(), expires_in: z.number() });

describe('a mailbox whose tokens a product keeps', () => {
  let ada: RunningMailbox;
  let asked: TokenRequest[];
  let give: (request: TokenRequest) => Promise<ProvidedToken>;

  /** What a product does: it keeps refresh tokens, and asks Google. */
  async function fromGoogle(email: string = ADA): Promise<ProvidedToken> {
    const { clock, simulator } = ada;
    const grant = simulator.credentialsFor(email);
    const { body } = await simulator.transport({
      method: 'POST',
      url: `${simulator.rootUrl}/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: grant.client_id,
        client_secret: grant.client_secret,
        refresh_token: grant.refresh_token,
      }).toString(),
    });
    const { access_token: accessToken, expires_in: lifetime } = TOKENS.parse(JSON.parse(body.toString()));
    return { accessToken, expiresAt: clock.now() + lifetime * 1_000 };
  }

  const tokenProvider: TokenProvider = (mailbox, request) => {
    expect(mailbox).toBe(ADA);
    asked.push(request);
    return give(request);
  };

  beforeEach(async () => {
    asked = [];
    give = () => fromGoogle();
    ada = await RunningMailbox.open(
      { pollInterval: MINUTE },
      { worker: (options) => simulatedWorker({ ...options, tokenProvider }) },
    );
    await ada.stores.credentials.delete(ADA);
  });
  afterEach(() => ada.close());

  const isExact = async (): Promise<void> => {
    await ada.settle();
    await expectExact(ada);
    expect((await ada.counts()).failed).toBe(0);
  };
  const reaches = (phase: string, within: number): Promise<boolean> =>
    ada.clock.runUntil(() => phaseOf(ada.lanes.state) === phase, within);

  it('is mirrored without stored credentials, and asks for each token once in its life', async () => {
    ada.receive(30);
    await isExact();
    expect(asked).toHaveLength(1);
    await ada.run(5 * HOUR);
    ada.receive(1, { from: ada.clock.now() });
    await isExact();
    expect(asked.length).toBeGreaterThanOrEqual(6);
    expect(asked.length).toBeLessThanOrEqual(7);
    expect(asked.every(({ refused }) => !refused)).toBe(true);
  });

  it('asks at once for another token when Gmail refuses one that has not expired', async () => {
    ada.receive(5);
    await isExact();
    asked.length = 0;
    ada.simulator.faults.add({ effect: { kind: 'status', status: 401, reason: 'authError' }, times: 1 });
    ada.receive(1, { from: ada.clock.now() });
    await ada.run(2 * MINUTE);
    await isExact();
    expect(asked.map(({ refused }) => refused)).toEqual([true]);
    expect(ada.lanes.state.lastError).toBeNull();
  });

  it('needs consent in the words of the provider, and goes on by itself once there are tokens again', async () => {
    ada.receive(5);
    await isExact();
    give = async () => {
      throw new AccessRevokedError('Ada withdrew it in her settings');
    };
    expect(await reaches('needs-consent', 2 * HOUR)).toBe(true);
    expect(ada.lanes.state.blocked?.message).toContain(
      `the token provider says that the access to ${ADA} was revoked (Ada withdrew it in her settings)`,
    );
    ada.receive(2, { from: ada.clock.now() });
    give = () => fromGoogle();
    expect(await reaches('live', 2 * HOUR)).toBe(true);
    await isExact();
  });

  it('that needs consent goes on at once when it is reconnected', async () => {
    ada.receive(5);
    await isExact();
    give = async () => {
      throw new AccessRevokedError('the grant has ended');
    };
    await reaches('needs-consent', 2 * HOUR);
    give = () => fromGoogle();
    ada.lanes.dispatch({ kind: 'reconnected' });
    expect(await reaches('live', MINUTE)).toBe(true);
    await isExact();
  });

  it.each<[string, () => Promise<ProvidedToken>]>([
    [
      'throws',
      async () => {
        throw new TypeError('fetch failed');
      },
    ],
    ['hangs', () => new Promise<never>(() => {})],
    ['gives expired tokens', async () => ({ accessToken: 'old', expiresAt: 1 })],
  ])('loses nothing while its provider %s for hours in the first sync, and recovers by itself', async (_, fails) => {
    ada.receive(120);
    const works = give;
    give = () => {
      give = fails;
      // The first token does not last: the sync has begun when the provider fails.
      return works({ signal: new AbortController().signal, refused: false }).then((token) => ({
        ...token,
        expiresAt: ada.clock.now() + MINUTE + 1,
      }));
    };
    await ada.run(8 * HOUR);
    expect(asked.length).toBeGreaterThan(20);
    expect(phaseOf(ada.lanes.state)).not.toMatch(/needs-consent|failed/);
    give = works;
    await isExact();
    expect((await ada.comparison()).held.size).toBe(120);
  });

  it('is not changed when the provider begins to give tokens of another account', async () => {
    ada.receive(12);
    await isExact();
    const before = await ada.comparison();
    const eve = ada.simulator.addMailbox(EVE);
    for (let count = 0; count < 30; count++)
      eve.insert({ raw: `Subject: eve ${count}\r\n\r\nhello\r\n`, labelIds: ['INBOX'] });
    give = () => fromGoogle(EVE);
    ada.lanes.dispatch({ kind: 'resync-requested' });
    expect(await reaches('needs-consent', 3 * HOUR)).toBe(true);
    expect(await ada.comparison()).toEqual(before);
    expect(ada.lanes.state.blocked?.message).toMatch(
      /the tokens that the provider gives for ada@\S+ open another account, eve@.*none of 5 stored messages is there/,
    );
    give = () => fromGoogle();
    ada.lanes.dispatch({ kind: 'resumed' });
    await isExact();
  });
});
