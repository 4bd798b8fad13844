import { describe, expect, it } from 'vitest';
import { historyId } from '../../src/model/ids.ts';
import { ADA, fill, openGmail, openSessions, pricesAt } from '../fixtures/gmail/gmail-fixture.ts';
import { failureOf, kinds, LIMIT, open, requestsFor } from './open-session.ts';

describe('a single call', () => {
  it('is repeated while Gmail is in trouble, and given up after some seconds', async () => {
    const { clock, simulator, session } = open();
    simulator.faults.add({ effect: { kind: 'status', status: 503 }, times: 3 });
    await clock.run(async () => {
      expect((await session.getProfile()).emailAddress).toBe(ADA);
      simulator.faults.add({ effect: { kind: 'status', status: 503 } });
      const before = clock.now();
      expect(await failureOf(session.getProfile())).toEqual({ kind: 'unavailable', status: 503 });
      expect(clock.now() - before).toBeLessThanOrEqual(8_000);
    });
  });

  it('is repeated while the token endpoint is in trouble, at no cost', async () => {
    const { clock, simulator, session } = open();
    simulator.faults.add({ match: { method: 'token' }, effect: { kind: 'status', status: 503 }, times: 2 });
    await clock.run(async () => {
      expect((await session.getProfile()).emailAddress).toBe(ADA);
    });
    expect(session.unitsSpent()).toBe(1);
  });

  it.each([400, 401, 404, 410])(
    'is repeated when it is refused by %i and no cause is named, and given up after some seconds',
    async (status) => {
      const { clock, simulator, session } = open();
      simulator.faults.add({ match: { method: 'getProfile' }, effect: { kind: 'status', status }, times: 2 });
      await clock.run(async () => {
        expect((await session.getProfile()).emailAddress).toBe(ADA);
        simulator.faults.add({ match: { method: 'getProfile' }, effect: { kind: 'status', status } });
        const before = clock.now();
        expect(await failureOf(session.getProfile())).toMatchObject({ kind: 'refused', status });
        expect(clock.now() - before).toBeLessThanOrEqual(20_000);
      });
    },
  );

  it('is repeated once when it is refused for a cause that a person must mend', async () => {
    const { clock, simulator, session } = open();
    simulator.faults.add({
      effect: { kind: 'status', status: 403, reason: 'accessNotConfigured', message: 'Gmail API has not been used' },
      times: 1,
    });
    await clock.run(async () => {
      expect((await session.getProfile()).emailAddress).toBe(ADA);
      const before = simulator.usage.requests;
      simulator.faults.add({
        effect: { kind: 'status', status: 403, reason: 'domainPolicy', message: 'Disabled by the administrator' },
      });
      expect(await failureOf(session.getProfile())).toEqual({ kind: 'mailbox-unavailable', reason: 'domainPolicy' });
      expect(simulator.usage.requests - before).toBe(2);
    });
  });

  it('reports a withdrawn grant when Gmail refused its token and the token endpoint gives no other', async () => {
    const { clock, simulator, session } = open();
    await clock.run(async () => {
      await session.getProfile();
      const before = simulator.usage.requests;
      simulator.revoke(ADA);
      expect(await failureOf(session.getProfile())).toEqual({ kind: 'consent-revoked', tokenRefused: true });
      expect(simulator.usage.requests - before).toBe(2);
    });
  });

  it('reports a withdrawn grant when only the token endpoint was asked, and said so twice', async () => {
    const { clock, simulator, session } = open();
    await clock.run(async () => {
      simulator.revoke(ADA);
      const before = simulator.usage.requests;
      expect(await failureOf(session.getProfile())).toEqual({ kind: 'consent-revoked' });
      expect(simulator.usage.requests - before).toBe(2);
    });
  });

  it('goes on when the token endpoint says only once that the grant has ended', async () => {
    let refusals = 1;
    const { clock, session } = open({
      transport: (simulator) => async (request) => {
        if (!request.url.endsWith('/token') || refusals-- <= 0) return await simulator.transport(request);
        return {
          status: 400,
          headers: {},
          body: Buffer.from('{"error":"invalid_grant","error_description":"Token has been expired or revoked."}'),
        };
      },
    });
    await clock.run(async () => expect((await session.getProfile()).emailAddress).toBe(ADA));
  });

  it('believes that history has expired when Gmail says so twice', async () => {
    const { clock, simulator, session, mailbox } = open();
    const start = { startHistoryId: historyId(mailbox.historyId), pageToken: null };
    simulator.faults.add({ match: { method: 'history.list' }, effect: { kind: 'status', status: 404 }, times: 1 });
    await clock.run(async () => {
      expect((await session.listHistory(start)).records).toEqual([]);
      simulator.faults.add({ match: { method: 'history.list' }, effect: { kind: 'status', status: 404 } });
      expect(await failureOf(session.listHistory(start))).toEqual({ kind: 'history-expired' });
    });
  });

  it('is not repeated when Gmail no longer knows the message or the page token', async () => {
    const { clock, simulator, session, mailbox } = open();
    await clock.run(async () => {
      await session.getProfile();
      const before = simulator.usage.requests;
      simulator.faults.add({
        match: { method: 'history.list' },
        effect: { kind: 'status', status: 400, reason: 'invalidArgument', message: 'Invalid pageToken' },
      });
      expect(
        await failureOf(session.listHistory({ startHistoryId: historyId(mailbox.historyId), pageToken: 'old' })),
      ).toMatchObject({ kind: 'invalid-request' });
      expect(kinds(await session.batchGet(requestsFor(['0']), 'minimal'))).toEqual(['not-found']);
      expect(simulator.usage.requests - before).toBe(2);
    });
  });

  it('is made once by a session that only asks whether Gmail answers', async () => {
    const gmail = openGmail();
    const session = openSessions(gmail, pricesAt(LIMIT)).open('live', { once: true });
    gmail.simulator.faults.add({ effect: { kind: 'status', status: 404 } });
    await gmail.clock.run(async () => {
      expect(await failureOf(session.getProfile())).toMatchObject({ kind: 'refused' });
    });
    expect(gmail.simulator.usage.requests, 'the token and one call').toBe(2);
  });

  it('that failed in an earlier session is made after the same wait, and no more often in all', async () => {
    const { clock, simulator, open: openSession } = open();
    const refused = { match: { method: 'getProfile' }, effect: { kind: 'status', status: 400 } } as const;
    simulator.faults.add(refused);
    await clock.run(async () => {
      const once = openSession('live', { once: true });
      await once.listLabels();
      const before = simulator.usage.requests;
      const requests = (): number => simulator.usage.requests - before;
      const failure = await failureOf(once.getProfile());
      expect(requests()).toBe(1);
      const session = openSession('live', { failedBefore: { method: 'getProfile', failure } });
      await session.listLabels();
      const at = clock.now();
      expect(await failureOf(session.getProfile())).toEqual(failure);
      // 1 + 4 + 12 seconds of waiting at most, with up to a quarter less.
      expect(clock.now() - at).toBeGreaterThanOrEqual(0.75 * 17_000);
      expect(requests()).toBe(1 + 1 + 3);
      await failureOf(session.getProfile());
      expect(requests()).toBe(5 + 4);
    });
  });

  it('is repeated after a wait when it is rejected', async () => {
    const { clock, simulator, session } = open();
    simulator.faults.add({ effect: { kind: 'status', status: 429 }, times: 2 });
    await clock.run(async () => {
      expect((await session.getProfile()).emailAddress).toBe(ADA);
    });
    expect(simulator.usage.of(ADA).rejected).toBe(2);
  });

  it('is counted in the store within seconds while another one waits', async () => {
    const { clock, session, ledger, mailbox } = open();
    const ids = fill({ mailbox }, 50);
    await clock.run(async () => {
      while (session.unitsSpent() < 5_000) await session.batchGet(requestsFor(ids), 'minimal');
      const waits = session.batchGet(requestsFor(ids), 'minimal');
      const further = session.batchGet(requestsFor(ids), 'minimal');
      await clock.sleep(6_000);
      const counted = ledger.usage.reduce((sum, { units }) => sum + units, 0);
      expect(counted).toBe(session.unitsSpent());
      await Promise.all([waits, further]);
    });
  });

  it("ends at once when the day's quota is spent", async () => {
    const { clock, simulator, session } = open();
    simulator.faults.add({
      effect: { kind: 'status', status: 403, reason: 'dailyLimitExceeded', message: 'Daily Limit Exceeded' },
    });
    await clock.run(async () => {
      expect(await failureOf(session.getProfile())).toEqual({ kind: 'rate-limited', limit: 'daily', retryAt: null });
    });
  });

  it('gives up for now after a few rejections', async () => {
    const { clock, simulator, session } = open();
    simulator.faults.add({ effect: { kind: 'status', status: 403 } });
    await clock.run(async () => {
      expect(await failureOf(session.getProfile())).toMatchObject({ kind: 'rate-limited' });
    });
    expect(simulator.usage.of(ADA).rejected).toBeLessThanOrEqual(6);
  });

  it('stops at once when it is aborted between two attempts', async () => {
    const { clock, simulator, session } = open();
    simulator.faults.add({ effect: { kind: 'status', status: 503 } });
    const controller = new AbortController();
    const reason = new Error('cancelled');
    await clock.run(async () => {
      const call = session.getProfile(controller.signal).catch((error: unknown) => error);
      await clock.sleep(10);
      controller.abort(reason);
      const abortedAt = clock.now();
      expect(await call).toBe(reason);
      expect(clock.now()).toBe(abortedAt);
    });
    expect(clock.sleepers()).toBe(0);
  });
});

describe('usage', () => {
  it('is written down by method, at most once a second, and the rest at the flush', async () => {
    const { clock, session, mailbox, simulator, ledger } = open();
    const ids = fill({ mailbox }, 4);
    simulator.faults.add({ match: { messageId: ids[0] }, effect: { kind: 'status', status: 429 }, times: 1 });
    simulator.faults.add({ match: { messageId: ids[1] }, effect: { kind: 'status', status: 400 }, times: 1 });
    await clock.run(async () => {
      await session.getProfile();
      await session.getProfile();
      expect(ledger.usage).toEqual([]);
      await clock.sleep(1_000);
      await session.batchGet(requestsFor(ids), 'minimal');
      await session.listLabels();
      const written = ledger.usage.map(({ method }) => method);
      await session.flush();
      expect(written).toEqual(['getProfile', 'messages.get']);
      await session.flush();
    });
    expect(ledger.usage).toEqual([
      { method: 'getProfile', calls: 2, units: 2, rejected: 0, failed: 0 },
      { method: 'messages.get', calls: 4, units: 60, rejected: 1, failed: 1 },
      { method: 'labels.list', calls: 1, units: 1, rejected: 0, failed: 0 },
    ]);
  });

  it('that cannot be written down now is not lost, and fails no call', async () => {
    const gmail = openGmail();
    const sessions = openSessions(gmail, pricesAt(LIMIT));
    let broken = true;
    const addUsage: typeof sessions.ledger.addUsage = async (mailbox, usage, day) => {
      if (broken) throw new Error('database is locked');
      await sessions.ledger.addUsage(mailbox, usage, day);
    };
    const session = sessions.open('live', { ledger: { ...sessions.ledger, addUsage } });
    await gmail.clock.run(async () => {
      await session.getProfile();
      await expect(session.flush()).rejects.toThrow('database is locked');
      broken = false;
      await session.flush();
    });
    expect(sessions.ledger.usage).toEqual([{ method: 'getProfile', calls: 1, units: 1, rejected: 0, failed: 0 }]);
  });
});
