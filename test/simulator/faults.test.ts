import { describe, expect, it } from 'vitest';
import { ADA, fill, openSimulator, type ErrorBody } from '../fixtures/gmail/simulator-fixture.ts';

describe('faults on command', () => {
  it('refuse a method with Google’s body, as often as the command says', async () => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({ match: { method: 'labels.list' }, effect: { kind: 'status', status: 503 }, times: 2 });
    expect((await user.get('profile')).status).toBe(200);
    const refused = await user.get<ErrorBody>('labels');
    expect(refused.body.error).toMatchObject({
      code: 503,
      status: 'UNAVAILABLE',
      errors: [{ reason: 'backendError', domain: 'global' }],
    });
    expect((await user.get('labels')).status).toBe(503);
    expect((await user.get('labels')).status).toBe(200);
    expect(simulator.usage.of(ADA).methods['labels.list']?.calls).toBe(1);
  });

  it.each([
    [403, 'dailyLimitExceeded', 'usageLimits', 'PERMISSION_DENIED'],
    [403, 'domainPolicy', 'global', 'PERMISSION_DENIED'],
    [400, 'failedPrecondition', 'global', 'FAILED_PRECONDITION'],
    [429, 'userRateLimitExceeded', 'usageLimits', 'RESOURCE_EXHAUSTED'],
  ])('answer %i %s as Google does', async (status, reason, domain, name) => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({ effect: { kind: 'status', status, reason, message: 'Mail service not enabled' } });
    const { body } = await user.get<ErrorBody>('profile');
    expect(body.error).toMatchObject({
      code: status,
      message: 'Mail service not enabled',
      status: name,
      errors: [{ reason, domain }],
    });
  });

  it('refuse with a time to retry after, until that time', async () => {
    const { user, simulator, clock } = await openSimulator();
    const until = clock.now() + 5_000;
    simulator.faults.add({ match: { email: ADA }, effect: { kind: 'retry-after', until } });
    const refused = await user.get<ErrorBody>('profile');
    expect(refused.status).toBe(429);
    expect(refused.body.error.message).toBe(`User-rate limit exceeded.  Retry after ${new Date(until).toISOString()}`);
    expect(simulator.usage.rejected).toBe(1);
    await clock.advance(5_000);
    expect((await user.get('profile')).status).toBe(200);
  });

  it('strike one message by itself, in its thread and within a batch, and spare its neighbours', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const [bad = '', good = ''] = fill(mailbox, 2);
    simulator.faults.add({ match: { messageId: bad }, effect: { kind: 'status', status: 500 } });
    const { parts } = await user.batch([`messages/${bad}`, `messages/${good}`, `threads/${bad}`]);
    expect(parts.map(({ status }) => status)).toEqual([500, 200, 500]);
  });

  it('break the connection once per request, after the call was done', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const ids = fill(mailbox, 3);
    simulator.faults.add({ effect: { kind: 'reset' }, times: 1 });
    await expect(user.batch(ids.map((id) => `messages/${id}`))).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(simulator.usage.of(ADA).methods['messages.get']?.calls).toBe(3);
    expect((await user.batch(ids.map((id) => `messages/${id}`))).parts).toHaveLength(3);
  });

  it('cut an answer in the middle', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const ids = fill(mailbox, 2);
    const whole = await user.batch(ids.map((id) => `messages/${id}`));
    simulator.faults.add({ match: { method: 'messages.get' }, effect: { kind: 'truncate' } });
    const cut = await user.batch(ids.map((id) => `messages/${id}`));
    expect(cut.status).toBe(200);
    expect(cut.text).not.toContain('b--');
    expect(cut.text.length).toBe(whole.text.length >> 1);
  });

  it('slow a call down on the clock', async () => {
    const { user, simulator, clock } = await openSimulator();
    simulator.faults.add({ match: { method: 'getProfile' }, effect: { kind: 'slow', ms: 7_000 } });
    const before = clock.now();
    await clock.run(() => user.get('profile'));
    expect(clock.now() - before).toBe(7_000);
  });

  it('strike a batch as a whole, and the token endpoint, only when named', async () => {
    const { user, simulator } = await openSimulator();
    simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'status', status: 502 } });
    simulator.faults.add({ match: { method: 'token' }, effect: { kind: 'status', status: 500 } });
    expect((await user.batch(['profile'])).status).toBe(502);
    expect((await user.send('POST', '/token', '')).status).toBe(500);
    expect((await user.get('profile')).status).toBe(200);
  });

  it('strike by chance in the same way for the same seed, and end at their time or when removed', async () => {
    const run = async (): Promise<number[]> => {
      const { user, simulator, clock } = await openSimulator({ seed: 7 });
      simulator.faults.add({ effect: { kind: 'status', status: 500 }, probability: 0.5, until: clock.now() + 1_000 });
      const statuses = [];
      for (let i = 0; i < 20; i++) statuses.push((await user.get('profile')).status);
      await clock.advance(1_000);
      for (let i = 0; i < 10; i++) expect((await user.get('profile')).status).toBe(200);
      return statuses;
    };
    const statuses = await run();
    expect(new Set(statuses)).toEqual(new Set([200, 500]));
    expect(await run()).toEqual(statuses);

    const { user, simulator } = await openSimulator();
    const fault = simulator.faults.add({ effect: { kind: 'status', status: 500 } });
    expect((await user.get('profile')).status).toBe(500);
    fault.remove();
    expect((await user.get('profile')).status).toBe(200);
  });
});

describe('a batch', () => {
  it('answers each call with `response-` before its Content-ID, and refusals inside a 200', async () => {
    const { mailbox, user, simulator } = await openSimulator({
      quota: { window: 'sliding-minute', userUnitsPerMinute: 45 },
    });
    const [id = ''] = fill(mailbox, 1);
    const { status, parts } = await user.batch([
      `messages/${id}?format=minimal`,
      'messages/ffffffffffffffff',
      `messages/${id}`,
      'profile',
    ]);
    expect(status).toBe(200);
    expect(parts.map((part) => part.contentId)).toEqual(['item-0', 'item-1', 'item-2', 'item-3']);
    expect(parts.map((part) => (part.status === 403 ? 429 : part.status))).toEqual([200, 404, 429, 200]);
    expect(JSON.parse(parts[0]?.json ?? '')).toMatchObject({ id });
    expect(simulator.usage.report()).toMatchObject({ requests: 1, calls: 3, units: 41, rejected: 1 });
  });

  it('takes a hundred calls and no more, at either path', async () => {
    const { user } = await openSimulator();
    expect(
      (
        await user.batch(
          Array.from({ length: 100 }, () => 'profile'),
          '/batch',
        )
      ).parts,
    ).toHaveLength(100);
    const refused = await user.batch(Array.from({ length: 101 }, () => 'profile'));
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('Inner request count exceeds the limit');
  });

  it('refuses a body that is not a batch', async () => {
    const { user } = await openSimulator();
    expect((await user.send('POST', '/batch/gmail/v1', '{}', { 'content-type': 'application/json' })).status).toBe(400);
    expect(
      (await user.send('POST', '/batch/gmail/v1', '', { 'content-type': 'multipart/mixed; boundary=b' })).status,
    ).toBe(400);
  });

  it('may answer in another order', async () => {
    const { user, simulator } = await openSimulator();
    simulator.batchOrder = 'shuffled';
    const { parts } = await user.batch(Array.from({ length: 20 }, () => 'profile'));
    const order = parts.map(({ contentId }) => Number(contentId.slice(5)));
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
    expect(new Set(order).size).toBe(20);
  });
});
