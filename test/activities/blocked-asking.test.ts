import { afterEach, describe, expect, it } from 'vitest';

import type { Fault } from '../../src/simulator/faults.ts';
import { phaseOf } from '../../src/workflows/mailbox-state.ts';
import { connectSimulated } from '../fixtures/gmail/simulated-worker.ts';
import { RunningMailbox } from './running-mailbox.ts';

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
  const { held, truth } = await ada.comparison();
  expect(held).toEqual(truth);
}

async function requestsIn(time: number): Promise<{ gmail: number; tokens: number }> {
  const before = { ...ada.requests };
  await ada.run(time);
  return { gmail: ada.requests.gmail - before.gmail, tokens: ada.requests.tokens - before.tokens };
}

describe.each([
  ['whose API is off', API_OFF],
  ['whose account is suspended', SUSPENDED],
])('a mailbox %s', (_, fault) => {
  it('costs at most 24 calls on the first day, and 14 with tokens on the second, poked every minute', async () => {
    await live();
    ada.simulator.faults.add(fault);
    const pokes = setPokes();
    const first = await requestsIn(DAY);
    expect(first.gmail).toBeLessThanOrEqual(24);
    expect(phaseOf(ada.lanes.state)).toBe('failed');
    const second = await requestsIn(DAY);
    expect(second.gmail + second.tokens).toBeLessThanOrEqual(14);
    pokes.stop();
  });

  it.each([5 * MINUTE, 3 * HOUR, 19 * HOUR])(
    'is back within an hour by itself when that ends after %i ms',
    async (time) => {
      await live();
      const active = ada.simulator.faults.add(fault);
      await ada.run(time);
      expect(phaseOf(ada.lanes.state)).toBe('failed');
      ada.receive(1);
      active.remove();
      expect(await reaches('live', HOUR)).toBe(true);
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

describe('a mailbox whose grant is revoked', () => {
  it('is found out by three calls, and costs at most two tokens a day', async () => {
    await live();
    ada.simulator.revoke(ada.gmail.email);
    const before = { ...ada.requests };
    expect(await reaches('needs-consent', 2 * MINUTE)).toBe(true);
    expect({ gmail: ada.requests.gmail - before.gmail, tokens: ada.requests.tokens - before.tokens }).toEqual({
      gmail: 1,
      tokens: 2,
    });
    const pokes = setPokes();
    expect(await requestsIn(DAY)).toEqual({ gmail: 0, tokens: 2 });
    expect(await requestsIn(3 * DAY)).toEqual({ gmail: 0, tokens: 3 });
    pokes.stop();
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

  it('comes back by itself within an hour when Google accepts the grant again, without a resume', async () => {
    await live();
    ada.simulator.faults.add({
      match: { method: 'token' },
      effect: { kind: 'status', status: 400, reason: 'invalid_grant', message: 'x' },
    });
    ada.simulator.faults.add({ match: { method: 'labels.list' }, effect: { kind: 'status', status: 401 }, times: 1 });
    await ada.run(2 * MINUTE);
    expect(phaseOf(ada.lanes.state)).toBe('needs-consent');
    ada.simulator.faults.clear();
    expect(await reaches('live', HOUR)).toBe(true);
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

it('A first full sync refused midway blocks the mailbox, fails no message, and ends by itself later', async () => {
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
  expect(await reaches('live', HOUR + 5 * MINUTE)).toBe(true);
  await isExact();
});

/** A poke every minute, as a mailbox with much mail gets them. */
function setPokes(): { stop: () => void } {
  const stopped = new AbortController();
  void (async () => {
    while (!stopped.signal.aborted) {
      await ada.clock.sleep(MINUTE, stopped.signal);
      ada.lanes.dispatch({ kind: 'poked' });
    }
  })().catch(() => undefined);
  return { stop: () => stopped.abort(new Error('over')) };
}
