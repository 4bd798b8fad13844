import { afterEach, describe, expect, it } from 'vitest';

import type { Fault } from '../../src/simulator/faults.ts';
import { phaseOf } from '../../src/workflows/mailbox-state.ts';
import { connectSimulated } from '../fixtures/gmail/simulated-worker.ts';
import { RunningMailbox, expectExact } from './running-mailbox.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const API_OFF: Fault = {
  effect: {
    kind: 'status',
    status: 403,
    reason: 'accessNotConfigured',
    message: 'Gmail API has not been used in project 1 before or it is disabled.',
  },
};
const SUSPENDED: Fault = {
  effect: { kind: 'status', status: 400, reason: 'failedPrecondition', message: 'Mail service not enabled' },
};
const UNEXPLAINED: Fault = { effect: { kind: 'status', status: 400, reason: 'failedPrecondition', message: 'x' } };

let ada: RunningMailbox;
afterEach(() => ada.close());

async function live(messages = 30): Promise<void> {
  ada = await RunningMailbox.open({ format: 'minimal', pollInterval: MINUTE });
  ada.receive(messages);
  await ada.settle();
}

const reaches = (phase: string, within: number): Promise<boolean> =>
  ada.clock.runUntil(() => phaseOf(ada.lanes.state) === phase, within);

async function isExact(): Promise<void> {
  await ada.settle();
  await expectExact(ada);
}

async function requestsIn(time: number): Promise<{ gmail: number; tokens: number }> {
  const before = { ...ada.requests };
  await ada.run(time);
  return { gmail: ada.requests.gmail - before.gmail, tokens: ada.requests.tokens - before.tokens };
}

/** The requests of each of the next `count` days. */
async function daysOf(count: number): Promise<{ gmail: number; tokens: number }[]> {
  const days: { gmail: number; tokens: number }[] = [];
  while (days.length < count) days.push(await requestsIn(DAY));
  return days;
}

describe.each([
  ['whose API is off', API_OFF],
  ['whose account is suspended', SUSPENDED],
])('a mailbox %s', (_, fault) => {
  it('costs 24 calls to Gmail on its first day, 6 on the second, then 1 a day, although it is poked', async () => {
    await live();
    ada.simulator.faults.add(fault);
    const pokes = startPokes();
    const days = await daysOf(5);
    expect(phaseOf(ada.lanes.state)).toBe('failed');
    expect(days.map(({ gmail }) => gmail)).toEqual([24, 6, 1, 1, 1]);
    // A token lives for an hour, so most questions need a new one.
    expect(days.map(({ tokens }) => tokens)).toEqual([21, 6, 1, 1, 1]);
    pokes.stop();
  });

  it('is asked at least every 66 minutes on its first day', async () => {
    await live();
    ada.simulator.faults.add(fault);
    const asks: number[] = [];
    const from = ada.clock.now();
    const { transport } = ada;
    ada.transport = async (request) => {
      if (!request.url.endsWith('/token')) asks.push(ada.clock.now() - from);
      return await transport(request);
    };
    await ada.run(26 * HOUR);
    const waits = halfHours(DAY).map((moment) => (asks.find((at) => at >= moment) ?? Infinity) - moment);
    expect(Math.max(...waits)).toBeLessThanOrEqual(66 * MINUTE);
    expect(waits.filter((wait) => wait > HOUR).length).toBeLessThanOrEqual(waits.length / 10);
  });

  it.each(halfHours(DAY).filter((_, index) => index % 6 === 0))(
    'is back by itself within 66 minutes when the fault ends after %i ms',
    async (time) => {
      await live();
      const active = ada.simulator.faults.add(fault);
      await ada.run(time);
      expect(phaseOf(ada.lanes.state)).toBe('failed');
      ada.receive(1);
      active.remove();
      expect(await reaches('live', 66 * MINUTE)).toBe(true);
      await isExact();
    },
  );

  it('is back within a minute when a person resumes it', async () => {
    await live();
    const active = ada.simulator.faults.add(fault);
    await ada.run(30 * HOUR);
    active.remove();
    ada.lanes.dispatch({ kind: 'resumed' });
    expect(await ada.clock.runUntil(() => (ada.lanes.state.syncedAt ?? 0) > ada.clock.now() - MINUTE, MINUTE)).toBe(
      true,
    );
    await isExact();
  });
});

it('A mailbox that Gmail refuses without naming a cause costs two calls more on its first day', async () => {
  await live();
  ada.simulator.faults.add(UNEXPLAINED);
  expect((await daysOf(2)).map(({ gmail }) => gmail)).toEqual([26, 6]);
});

describe('a mailbox whose grant is revoked', () => {
  it('costs three requests on its first day, and one for a token on each later day, although it is poked', async () => {
    await live();
    ada.simulator.revoke(ada.gmail.email);
    const pokes = startPokes();
    const days = await daysOf(4);
    expect(phaseOf(ada.lanes.state)).toBe('needs-consent');
    expect(days).toEqual([
      { gmail: 1, tokens: 2 },
      { gmail: 0, tokens: 1 },
      { gmail: 0, tokens: 1 },
      { gmail: 0, tokens: 1 },
    ]);
    pokes.stop();
  });

  it('costs no more when its token has expired, so that only the token endpoint reveals it', async () => {
    ada = await RunningMailbox.open({ format: 'minimal', pollInterval: 2 * HOUR });
    ada.receive(30);
    await ada.settle();
    ada.simulator.revoke(ada.gmail.email);
    const days = await daysOf(2);
    expect(phaseOf(ada.lanes.state)).toBe('needs-consent');
    expect(days).toEqual([
      { gmail: 0, tokens: 3 },
      { gmail: 0, tokens: 1 },
    ]);
  });

  it.each([2 * MINUTE, 30 * MINUTE, 55 * MINUTE])(
    'comes back by itself within an hour when Google accepts the grant again %i ms after the refusal',
    async (time) => {
      await live();
      refuseGrant();
      expect(await reaches('needs-consent', 2 * MINUTE)).toBe(true);
      await ada.run(time);
      ada.simulator.faults.clear();
      expect(await reaches('live', HOUR)).toBe(true);
      await isExact();
    },
  );

  it('comes back by itself within a day when Google accepts the grant again after two hours', async () => {
    await live();
    refuseGrant();
    await ada.run(2 * HOUR);
    expect(phaseOf(ada.lanes.state)).toBe('needs-consent');
    ada.simulator.faults.clear();
    expect(await reaches('live', DAY)).toBe(true);
    await isExact();
  });

  it('is back within a minute once it is connected again', async () => {
    await live();
    ada.simulator.revoke(ada.gmail.email);
    await ada.run(3 * DAY);
    ada.receive(1);
    ada.simulator.grant(ada.gmail.email);
    await ada.clock.during(ada.stores.credentials.delete(ada.lanes.state.mailbox));
    await ada.clock.during(connectSimulated(ada, ada.lanes.state.mailbox));
    ada.lanes.dispatch({ kind: 'reconnected' });
    expect(await reaches('live', MINUTE)).toBe(true);
    await isExact();
  });
});

it('A mailbox without credentials makes no call, and goes on by itself within an hour of connecting', async () => {
  await live();
  await ada.clock.during(ada.stores.credentials.delete(ada.lanes.state.mailbox));
  await ada.run(2 * MINUTE);
  expect(phaseOf(ada.lanes.state)).toBe('needs-consent');
  expect(await requestsIn(DAY)).toEqual({ gmail: 0, tokens: 0 });
  await ada.clock.during(connectSimulated(ada, ada.lanes.state.mailbox));
  expect(await reaches('live', HOUR)).toBe(true);
});

it('A first full sync refused midway blocks the mailbox, fails no message, and completes by itself later', async () => {
  ada = await RunningMailbox.open({ format: 'minimal', pollInterval: MINUTE });
  ada.receive(400);
  ada.simulator.latencyMs = 500;
  await ada.run(3_000);
  expect((await ada.counts()).pending).toBeGreaterThan(0);
  const fault = ada.simulator.faults.add(API_OFF);
  await ada.run(2 * HOUR);
  expect(phaseOf(ada.lanes.state)).toBe('failed');
  expect((await ada.counts()).failed).toBe(0);
  fault.remove();
  expect(await reaches('live', 66 * MINUTE)).toBe(true);
  await isExact();
});

describe.each([
  ['a listing', 3_000, { unexplained: 26, apiOff: 24 }],
  ['both lanes', 4_000, { unexplained: 32, apiOff: 28 }],
  ['some batches in flight', 12_000, { unexplained: 31, apiOff: 29 }],
  ['more batches in flight', 14_000, { unexplained: 34, apiOff: 28 }],
] as const)('a first full sync whose refusal meets %s', (_, after, requests) => {
  it.each([
    ['without a cause', UNEXPLAINED, requests.unexplained],
    ['because its API is off', API_OFF, requests.apiOff],
  ])(
    'is blocked, fails no message, and costs some requests more on its first day, refused %s',
    async (__, fault, cost) => {
      ada = await RunningMailbox.open({ format: 'full', pollInterval: MINUTE });
      ada.receive(after < 12_000 ? 400 : 3_000);
      ada.simulator.latencyMs = 500;
      await ada.run(after);
      const refused = ada.simulator.faults.add(fault);
      const days = await daysOf(3);
      expect(phaseOf(ada.lanes.state)).toBe('failed');
      expect((await ada.counts()).failed).toBe(0);
      expect(days.map(({ gmail }) => gmail)).toEqual([cost, 6, 1]);
      refused.remove();
      expect(await reaches('live', DAY)).toBe(true);
      await isExact();
    },
  );
});

/** Like a withdrawn grant, except that it can be accepted again without another consent. */
function refuseGrant(): void {
  const { faults } = ada.simulator;
  const invalid = { kind: 'status', status: 400, reason: 'invalid_grant', message: 'x' } as const;
  faults.add({ match: { method: 'token' }, effect: invalid });
  for (const method of ['history.list', 'labels.list', 'getProfile'] as const)
    faults.add({ match: { method }, effect: { kind: 'status', status: 401 } });
}

/** The end of each half hour of a period (ms). */
function halfHours(time: number): number[] {
  return Array.from({ length: time / (30 * MINUTE) }, (_, index) => (index + 1) * 30 * MINUTE);
}

/** Pokes the mailbox every minute, as if it got much mail. */
function startPokes(): { stop: () => void } {
  const stopped = new AbortController();
  void (async () => {
    while (!stopped.signal.aborted) {
      await ada.clock.sleep(MINUTE, stopped.signal);
      ada.lanes.dispatch({ kind: 'poked' });
    }
  })().catch(() => undefined);
  return { stop: () => stopped.abort(new Error('over')) };
}

it("A refusal by Google's token endpoint is not reported as one by Gmail, which was not asked", async () => {
  await live();
  const effect = { kind: 'status', status: 400, reason: 'unsupported_grant_type' } as const;
  ada.simulator.faults.add({ match: { method: 'token' }, effect });
  expect(await reaches('failed', 2 * HOUR)).toBe(true);
  expect(ada.lanes.state.blocked).toMatchObject({
    message:
      'Google gives no access token for ada@example.com (HTTP 400 unsupported_grant_type) and names no cause, ' +
      'which mostly passes',
    remedy: { kind: 'ask-again', orConnect: true },
  });
});

it('Repeated 401s while the token endpoint gives tokens count as an outage, not as a lost grant', async () => {
  await live();
  ada.simulator.faults.add({ effect: { kind: 'status', status: 401 } });
  expect(await reaches('failed', 2 * HOUR)).toBe(true);
  for (let hour = 0; hour < 30; hour++) {
    await ada.run(HOUR);
    expect(ada.lanes.state.blocked?.kind).toBe('failed');
  }
  expect(ada.lanes.state.blocked).toMatchObject({
    message: expect.stringContaining('with a new access token, too, which mostly passes'),
    remedy: { kind: 'ask-again', orConnect: true },
  });
  ada.simulator.faults.clear();
  expect(await reaches('live', 4 * HOUR + MINUTE)).toBe(true);
  await isExact();
});
