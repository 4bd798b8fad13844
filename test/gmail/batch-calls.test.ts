import { describe, expect, it } from 'vitest';
import { readLedger } from '../../src/gmail/quota/ledger-document.ts';
import { unitsWithin } from '../../src/gmail/quota/ledger-window.ts';
import { ADA, fill } from '../fixtures/gmail/gmail-fixture.ts';
import { failureOf, kinds, open, requestsFor } from './open-session.ts';

describe('a batch', () => {
  it('is answered in order, whatever pieces it was sent in', async () => {
    const { clock, session, mailbox, simulator } = open();
    const ids = fill({ mailbox }, 50);
    await clock.run(async () => {
      const outcomes = await session.batchGet(requestsFor(ids), 'minimal');
      expect(outcomes.map(({ request }) => request.id)).toEqual(ids);
      expect(new Set(kinds(outcomes))).toEqual(new Set(['fetched']));
    });
    expect(simulator.usage.requests, 'the first calls of a mailbox go out in small pieces').toBeGreaterThan(2);
    expect(session.unitsSpent()).toBe(1_000);
  });

  it('answers rejected parts as failed, at no cost, and the others as fetched', async () => {
    const { clock, session, mailbox, simulator, ledger } = open();
    const ids = fill({ mailbox }, 8);
    simulator.faults.add({ match: { messageId: ids[3] }, effect: { kind: 'status', status: 429 }, times: 1 });
    await clock.run(async () => {
      expect(kinds(await session.batchGet(requestsFor(ids), 'minimal'))).toEqual(
        ids.map((_, index) => (index === 3 ? 'rate-limited' : 'fetched')),
      );
    });
    expect(session.unitsSpent()).toBe(140);
    expect(unitsWithin(readLedger(ledger.document(ADA)).window, 60_000, clock.now())).toBe(140);
  });

  it('that is rejected as a whole is repeated after the wait', async () => {
    const { clock, session, mailbox, simulator } = open();
    const ids = fill({ mailbox }, 8);
    simulator.faults.add({ match: { method: 'messages.get' }, effect: { kind: 'status', status: 403 }, times: 8 });
    await clock.run(async () => {
      expect(new Set(kinds(await session.batchGet(requestsFor(ids), 'minimal')))).toEqual(new Set(['fetched']));
    });
    expect(session.unitsSpent()).toBe(160);
  });

  it.each([400, 401, 404, 410])(
    'that the batch endpoint refuses by %i is repeated, and given up after some seconds',
    async (status) => {
      const { clock, session, mailbox, simulator } = open();
      const ids = fill({ mailbox }, 8);
      simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'status', status }, times: 2 });
      await clock.run(async () => {
        expect(new Set(kinds(await session.batchGet(requestsFor(ids), 'minimal')))).toEqual(new Set(['fetched']));
        simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'status', status } });
        const before = clock.now();
        expect(await failureOf(session.batchGet(requestsFor(ids), 'minimal'))).toMatchObject({
          kind: 'refused',
          status,
        });
        expect(clock.now() - before).toBeLessThanOrEqual(20_000);
      });
    },
  );

  it('of which nothing came fails as a whole', async () => {
    const { clock, session, mailbox, simulator } = open();
    const ids = fill({ mailbox }, 8);
    simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'reset' } });
    await clock.run(async () => {
      expect(await failureOf(session.batchGet(requestsFor(ids), 'minimal'))).toEqual({
        kind: 'unavailable',
        status: null,
      });
    });
  });

  it('of which one piece is lost still answers the others', async () => {
    const { clock, session, mailbox, simulator } = open();
    const ids = fill({ mailbox }, 50);
    await clock.run(async () => {
      await session.batchGet(requestsFor(ids.slice(0, 1)), 'minimal');
      // The reset strikes the piece that holds the 15th message.
      simulator.faults.add({ match: { messageId: ids[14] }, effect: { kind: 'reset' }, times: 1 });
      const outcomes = kinds(await session.batchGet(requestsFor(ids), 'minimal'));
      expect(outcomes.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'fetched'));
      expect(outcomes[14]).toBe('unavailable');
      expect(outcomes.at(-1)).toBe('fetched');
    });
  });

  it('stops at once when it is aborted while it waits for units, and lets the next one wait in its place', async () => {
    const { clock, session, mailbox } = open();
    const ids = fill({ mailbox }, 50);
    const controller = new AbortController();
    const reason = new Error('cancelled');
    await clock.run(async () => {
      for (let batch = 0; batch < 5; batch++) await session.batchGet(requestsFor(ids), 'minimal');
      const startedAt = clock.now();
      const first = session.batchGet(requestsFor(ids), 'minimal', controller.signal).catch((error: unknown) => error);
      const second = session.batchGet(requestsFor(ids), 'minimal');
      await clock.sleep(20_000);
      controller.abort(reason);
      expect(await first).toBe(reason);
      expect(clock.now() - startedAt).toBe(20_000);
      expect(new Set(kinds(await second))).toEqual(new Set(['fetched']));
    });
    expect(clock.sleepers()).toBe(0);
  });

  it('whose later pieces must wait too long answers what it has', async () => {
    const { clock, session, mailbox, simulator } = open();
    const ids = fill({ mailbox }, 50);
    const until = clock.now() + 600_000;
    await clock.run(async () => {
      await session.getProfile();
      simulator.faults.add({ match: { messageId: ids[14] }, effect: { kind: 'retry-after', until }, times: 1 });
      const outcomes = await session.batchGet(requestsFor(ids), 'minimal');
      expect(kinds(outcomes).slice(0, 14)).toEqual(Array.from({ length: 14 }, () => 'fetched'));
      const last = outcomes.at(-1);
      expect(last?.kind === 'failed' && last.error.failure).toEqual({
        kind: 'rate-limited',
        limit: 'user',
        retryAt: until,
      });
      expect(await failureOf(session.batchGet(requestsFor(ids), 'minimal'))).toMatchObject({
        kind: 'rate-limited',
        retryAt: until,
      });
    });
  });
});
