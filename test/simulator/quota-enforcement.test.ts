import { describe, expect, it } from 'vitest';
import { ADA, ApiUser, fill, openSimulator, type ErrorBody } from '../fixtures/gmail/simulator-fixture.ts';

describe('the quota', () => {
  it('lets a user spend the minute’s units, rejects the next call at no cost, and grants them again', async () => {
    const { clock, mailbox, user, simulator } = await openSimulator({
      quota: { window: 'sliding-minute', userUnitsPerMinute: 100 },
    });
    const [id = ''] = fill(mailbox, 1);
    const get = async (): Promise<number> => (await user.get(`messages/${id}`)).status;
    for (let i = 0; i < 5; i++) expect(await get()).toBe(200);
    const refused = await user.get<ErrorBody>(`messages/${id}`);
    expect([403, 429]).toContain(refused.status);
    expect(refused.body.error.message).toMatch(
      new RegExp(
        String.raw`^Quota exceeded for quota metric 'Total Query Cost' and limit ` +
          String.raw`'Units per minute per user' of service 'gmail\.googleapis\.com'`,
      ),
    );
    expect(refused.body.error.errors[0]?.domain).toBe('usageLimits');
    await clock.advance(59_999);
    expect(await get()).not.toBe(200);
    await clock.advance(1);
    expect(await get()).toBe(200);
    expect(simulator.usage.of(ADA)).toMatchObject({
      calls: 6,
      units: 120,
      rejected: 2,
      peakUnitsPerMinute: 100,
      peakUnitsPerTenSeconds: 100,
    });
  });

  it('rejects calls in both documented forms', async () => {
    const { user } = await openSimulator({ quota: { window: 'sliding-minute', userUnitsPerMinute: 1 } });
    const replies = await Promise.all(
      Array.from({ length: 30 }, () => user.get<ErrorBody>('history', { startHistoryId: '1' })),
    );
    const forms = replies.map(({ status, body }) => `${status} ${body.error.errors[0]?.reason ?? ''}`);
    expect(new Set(forms)).toEqual(new Set(['429 rateLimitExceeded', '403 userRateLimitExceeded']));
  });

  it('starts again with the minute of the clock where windows are fixed', async () => {
    const { clock, user } = await openSimulator({ quota: { window: 'fixed-minute', userUnitsPerMinute: 3 } });
    await clock.advance(60_000 - (clock.now() % 60_000) - 1);
    const profile = async (): Promise<boolean> => (await user.get('profile')).status === 200;
    expect([await profile(), await profile(), await profile(), await profile()]).toEqual([true, true, true, false]);
    await clock.advance(1);
    expect([await profile(), await profile(), await profile(), await profile()]).toEqual([true, true, true, false]);
  });

  it('grants a sixth of the minute’s units in any ten seconds where windows are short', async () => {
    const { clock, user } = await openSimulator({ quota: { window: 'ten-seconds', userUnitsPerMinute: 12 } });
    const profile = async (): Promise<boolean> => (await user.get('profile')).status === 200;
    expect([await profile(), await profile(), await profile()]).toEqual([true, true, false]);
    await clock.advance(10_000);
    expect(await profile()).toBe(true);
  });

  it('holds the project’s limit over all users', async () => {
    const { user, simulator } = await openSimulator({ quota: { window: 'sliding-minute', projectUnitsPerMinute: 2 } });
    simulator.addMailbox('bob@example.com');
    const bob = await new ApiUser(simulator).signIn(simulator.credentialsFor('bob@example.com'));
    expect((await user.get('profile')).status).toBe(200);
    expect((await bob.get('profile')).status).toBe(200);
    const refused = await bob.get<ErrorBody>('profile');
    expect(refused.status).toBe(403);
    expect(refused.body.error.errors[0]?.reason).toBe('rateLimitExceeded');
  });

  it('charges by the price table of choice, and only counts when off', async () => {
    const { mailbox, user, simulator } = await openSimulator({ prices: '2025' });
    const [id = ''] = fill(mailbox, 1);
    await user.get(`messages/${id}`);
    await user.get(`threads/${id}`);
    await user.listAll();
    expect(simulator.usage.units).toBe(5 + 10 + 5);
    expect(simulator.usage.of(ADA).methods['threads.get']).toEqual({ calls: 1, units: 10, rejected: 0 });
  });

  it('rejects calls beyond the hidden cap of calls in flight, within one batch too', async () => {
    const { clock, mailbox, user, simulator } = await openSimulator({
      quota: { window: 'off', concurrentRequests: 3 },
      latencyMs: 100,
    });
    const ids = fill(mailbox, 4);
    const inTurn = await clock.run(() =>
      Promise.all([user.get('profile'), user.get('profile'), user.get('profile'), user.get<ErrorBody>('profile')]),
    );
    expect(inTurn.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(inTurn[3]?.body.error.message).toBe('Too many concurrent requests for user.');

    const { parts } = await clock.run(() => user.batch(ids.map((id) => `messages/${id}?format=minimal`)));
    expect(parts.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect((await clock.run(() => user.get('profile'))).status).toBe(200);
    expect(simulator.usage.of(ADA).peakConcurrency).toBe(4);
  });

  it('can be changed while it runs, and its counters reset', async () => {
    const { user, simulator } = await openSimulator();
    await user.get('profile');
    simulator.quota = { window: 'sliding-minute', userUnitsPerMinute: 1 };
    expect((await user.get('profile')).status).not.toBe(200);
    simulator.usage.reset();
    expect(simulator.usage.report()).toMatchObject({ calls: 0, units: 0, rejected: 0, requests: 0 });
    expect((await user.get('profile')).status).toBe(200);
  });
});
