import { describe, expect, it } from 'vitest';
import type { GmailSession } from '../../src/gmail/api/gmail-api.ts';
import { GmailError } from '../../src/gmail/api/gmail-error.ts';
import { createGmailSession } from '../../src/gmail/quota/session.ts';
import { historyId, messageId } from '../../src/model/ids.ts';
import type { QuotaEnforcement } from '../../src/simulator/quota-enforcement.ts';
import { backfill } from './backfill.ts';
import { createVirtualClock, type VirtualClock } from '../fixtures/host/virtual-clock.ts';
import { ADA, fill, openGmail, openSessions, pricesAt } from '../fixtures/gmail/gmail-fixture.ts';

const LIMIT = 60_000;
const MINUTE = 60_000;

/** Backfills under an enforced quota. Returns how long it took (ms) and what the simulator counted. */
async function run(options: {
  quota: Omit<QuotaEnforcement, 'userUnitsPerMinute'>;
  messages?: number;
  limit?: number;
  latencyMs?: number;
  /** The most ms by which a request arrives later than it is sent. */
  jitter?: number;
  /** The part of the gets that is refused although the quota would allow them. */
  chance?: number;
  /** The part of the user's limit that is ours. */
  share?: number;
}) {
  const { quota, messages = 9_000, limit = LIMIT, latencyMs, jitter = 0, chance = 0, share = 1 } = options;
  const clock = createVirtualClock();
  const gmail = openGmail({
    clock,
    quota: { ...quota, userUnitsPerMinute: limit },
    ...(latencyMs === undefined ? {} : { latencyMs }),
    transport: (simulator) => async (request) => {
      if (jitter > 0) await clock.sleep(jitter * clock.random(), request.signal);
      return simulator.transport(request);
    },
  });
  const { simulator } = gmail;
  const sessions = openSessions(gmail, pricesAt(limit), share);
  const ids = fill(gmail, 50);
  if (chance > 0) {
    const effect = { kind: 'status', status: 429 } as const;
    simulator.faults.add({ match: { method: 'messages.get' }, effect, probability: chance });
  }
  const startedAt = clock.now();
  const session = sessions.open('backfill');
  const { fetched } = await clock.run(() => backfill(session, ids, messages));
  const use = simulator.usage.of(ADA);
  expect(fetched).toBe(messages);
  expect(session.unitsSpent()).toBe(use.units);
  return { ...use, took: clock.now() - startedAt, needs: (use.units / (share * limit)) * MINUTE, limit };
}

describe('a backfill', () => {
  it('gets no rejection where Gmail counts any minute, and uses all that Gmail grants', async () => {
    const { took, needs, rejected, peakUnitsPerMinute } = await run({ quota: { window: 'sliding-minute' } });
    expect(rejected).toBe(0);
    expect(peakUnitsPerMinute).toBeLessThanOrEqual(LIMIT);
    expect(took).toBeLessThanOrEqual(1.02 * needs);
  });

  it('gets no rejection where Gmail counts the minutes of the clock, and uses all that Gmail grants', async () => {
    const { took, needs, rejected } = await run({ quota: { window: 'fixed-minute' } });
    expect(rejected).toBe(0);
    expect(took).toBeLessThanOrEqual(1.02 * needs);
  });

  it("of less than a minute's allowance is done at once", async () => {
    const { took, rejected } = await run({ quota: { window: 'sliding-minute' }, messages: 280, limit: 6_000 });
    expect(rejected).toBe(0);
    expect(took).toBeLessThanOrEqual(1_000);
  });

  it('learns at the price of one probe that Gmail counts ten seconds, and loses no speed', async () => {
    const { took, needs, rejected } = await run({ quota: { window: 'ten-seconds' } });
    expect(rejected).toBeLessThanOrEqual(8);
    expect(took).toBeLessThanOrEqual(1.02 * needs);
  });

  it('does not take a probe that was never answered as proof', async () => {
    const gmail = openGmail({ quota: { window: 'ten-seconds', userUnitsPerMinute: LIMIT } });
    const { clock, simulator } = gmail;
    const session = openSessions(gmail, pricesAt(LIMIT)).open('backfill');
    const ids = fill(gmail, 50);
    await clock.run(async () => {
      // 500 messages are a sixth of the allowance: what follows is the probe.
      await backfill(session, ids, 500);
      simulator.faults.add({ match: { method: 'batch' }, effect: { kind: 'reset' }, times: 1 });
      await session.batchGet([{ kind: 'message', id: messageId(ids[0] ?? '') }], 'minimal').catch(() => null);
      await backfill(session, ids, 1_000);
    });
    expect(simulator.usage.of(ADA).rejected).toBeLessThanOrEqual(16);
  });

  it('finds a hidden limit of calls in flight, and keeps to it', async () => {
    const { took, needs, rejected, calls } = await run({ quota: { window: 'sliding-minute', concurrentRequests: 10 } });
    expect(rejected / calls).toBeLessThan(0.01);
    expect(took).toBeLessThanOrEqual(1.02 * needs);
  });

  it('copes with ten seconds and a hidden limit of calls in flight at once', async () => {
    const { took, needs, rejected, calls } = await run({ quota: { window: 'ten-seconds', concurrentRequests: 10 } });
    expect(rejected / calls).toBeLessThan(0.01);
    expect(took).toBeLessThanOrEqual(1.02 * needs);
  });

  it.each(['first-request-minute', 'sliding-minute'] as const)(
    'is as fast when calls arrive up to 300 ms late, and gets no rejection (%s)',
    async (window) => {
      const { took, needs, rejected } = await run({ quota: { window }, latencyMs: 100, jitter: 300 });
      expect(rejected).toBe(0);
      expect(took).toBeLessThanOrEqual(1.02 * needs + 2_000);
    },
  );

  it('does not take late calls for another spender where Gmail counts ten seconds', async () => {
    const { took, needs, rejected, calls } = await run({
      quota: { window: 'ten-seconds' },
      messages: 12_000,
      latencyMs: 100,
      jitter: 300,
    });
    expect(rejected / (calls + rejected)).toBeLessThanOrEqual(0.002);
    expect(took).toBeLessThanOrEqual(1.06 * needs);
  });

  it.each([
    { chance: 0.005, limit: LIMIT, messages: 9_000 },
    { chance: 0.01, limit: LIMIT, messages: 9_000 },
    { chance: 0.01, limit: 6_000, messages: 1_500 },
  ])('loses hardly any speed when Gmail refuses $chance of the calls by chance (limit $limit)', async (options) => {
    const { took, needs, rejected, calls } = await run({
      ...options,
      quota: { window: 'sliding-minute' },
      latencyMs: 100,
    });
    expect(rejected / calls).toBeGreaterThan(options.chance / 2);
    expect(took).toBeLessThanOrEqual(1.05 * needs + 2_000);
  });

  it('keeps to its share, and at it, when Gmail refuses calls by chance', async () => {
    const { took, needs, peakUnitsPerMinute } = await run({
      quota: { window: 'sliding-minute' },
      messages: 6_000,
      latencyMs: 100,
      chance: 0.01,
      share: 0.5,
    });
    expect(peakUnitsPerMinute).toBeLessThanOrEqual(0.5 * LIMIT);
    expect(took).toBeLessThanOrEqual(1.05 * needs + 2_000);
  });

  it('is at its pace half a minute after Gmail has refused everything for five minutes', async () => {
    const gmail = openGmail({ quota: { window: 'sliding-minute', userUnitsPerMinute: LIMIT }, latencyMs: 100 });
    const { clock, simulator } = gmail;
    const session = openSessions(gmail, pricesAt(LIMIT)).open('backfill');
    const ids = fill(gmail, 50);
    const startedAt = clock.now();
    const until = startedAt + 7 * MINUTE;
    const isOver = (): boolean => clock.now() > until + 2 * MINUTE;
    const spent = await clock.run(async () => {
      const fetched = backfillUntil(isOver, { session, ids, clock, pause: 1_000 });
      await clock.sleep(2 * MINUTE);
      simulator.faults.add({ match: {}, effect: { kind: 'status', status: 429 }, until });
      await clock.sleep(until + MINUTE / 2 - clock.now());
      const before = session.unitsSpent();
      await clock.sleep(MINUTE);
      const units = session.unitsSpent() - before;
      await fetched;
      return units;
    });
    expect(spent).toBeGreaterThan(0.95 * LIMIT);
  });

  it('keeps its pace when answers are slow', async () => {
    const { took, needs, rejected } = await run({
      quota: { window: 'sliding-minute' },
      messages: 1_500,
      limit: 6_000,
      latencyMs: 700,
    });
    expect(rejected).toBe(0);
    expect(took).toBeLessThanOrEqual(1.02 * needs);
  });

  it("spends no more than its share of the user's limit", async () => {
    const gmail = openGmail({ quota: { window: 'sliding-minute', userUnitsPerMinute: LIMIT } });
    const session = openSessions(gmail, pricesAt(LIMIT), 0.25).open('backfill');
    const ids = fill(gmail, 50);
    await gmail.clock.run(() => backfill(session, ids, 3_000));
    expect(gmail.simulator.usage.of(ADA).peakUnitsPerMinute).toBeLessThanOrEqual(0.25 * LIMIT);
  });

  it('writes nothing to the ledger where the limit cannot be reached', async () => {
    const gmail = openGmail();
    const sessions = openSessions(gmail, pricesAt(50_000_000));
    const ids = fill(gmail, 50);
    await gmail.clock.run(() => backfill(sessions.open('backfill'), ids, 500));
    expect(sessions.ledger.writes()).toBe(0);
  });

  it.each([
    { window: 'ten-seconds', accepted: 0.95, most: 0.5, backAfter: 30_000 },
    { window: 'sliding-minute', accepted: 0.9, most: 0.5, backAfter: 60_000 },
    { window: 'first-request-minute', accepted: 0.8, most: 0.56, backAfter: 120_000 },
  ] as const)(
    'leaves another application its half of the quota, and is back $backAfter ms after its end ($window)',
    async ({ window, accepted, most, backAfter }) => {
      const { spent, other } = await runBesideAnother(window, backAfter);
      expect(other.accepted / other.sent).toBeGreaterThanOrEqual(accepted);
      expect(spent.beside / 4).toBeGreaterThan(0.4 * LIMIT);
      expect(spent.beside / 4).toBeLessThan(most * LIMIT);
      expect(spent.afterwards).toBeGreaterThan(0.95 * LIMIT);
    },
  );
});

/** Backfills until the time is over. What gives up begins once more after `pause` ms. */
async function backfillUntil(
  isOver: () => boolean,
  {
    session,
    ids,
    clock,
    pause,
  }: {
    readonly session: GmailSession;
    readonly ids: readonly string[];
    readonly clock: VirtualClock;
    readonly pause: number;
  },
): Promise<void> {
  while (!isOver()) await backfill(session, ids, Number.POSITIVE_INFINITY, isOver).catch(() => clock.sleep(pause));
}

/**
 * Backfills for three minutes, then for five minutes beside an application that takes half of the quota, then alone
 * again. The other application sends again nothing that is refused.
 *
 * @returns what was spent beside it, except in its first minute, and in the minute that begins `backAfter` ms after its
 *   end; of its calls only those after its first minute count
 */
async function runBesideAnother(window: QuotaEnforcement['window'], backAfter: number) {
  const gmail = openGmail({ quota: { window, userUnitsPerMinute: LIMIT }, latencyMs: 200 });
  const { clock, simulator, tokens } = gmail;
  const ids = fill(gmail, 50);
  const session = openSessions(gmail, pricesAt(LIMIT)).open('backfill');
  const startsAt = clock.now() + 3 * MINUTE;
  const endsAt = startsAt + 5 * MINUTE;
  const finishesAt = endsAt + backAfter + MINUTE;
  const other = { sent: 0, accepted: 0 };
  const spentAt = async (time: number): Promise<number> => {
    await clock.sleep(time - clock.now());
    return session.unitsSpent();
  };
  const getThread = async (token: string): Promise<void> => {
    const isCounted = clock.now() > startsAt + MINUTE;
    const { status } = await simulator.transport({
      method: 'GET',
      url: `${simulator.rootUrl}/gmail/v1/users/me/threads/${ids[0] ?? ''}`,
      headers: { authorization: `Bearer ${token}` },
    });
    if (!isCounted) return;
    other.sent++;
    if (status === 200) other.accepted++;
  };
  const spendHalf = async (): Promise<void> => {
    const token = await tokens.accessToken();
    await clock.sleep(startsAt - clock.now());
    // Ten calls of 40 units in 800 ms are 30,000 units a minute.
    while (clock.now() < endsAt) {
      await Promise.all([...Array.from({ length: 10 }, () => getThread(token)), clock.sleep(800)]);
    }
  };
  const [from, to, again, finished] = await clock.run(async () => {
    const spent = Promise.all([
      spentAt(startsAt + MINUTE),
      spentAt(endsAt),
      spentAt(endsAt + backAfter),
      spentAt(finishesAt),
    ]);
    const isOver = (): boolean => clock.now() > finishesAt;
    // An activity that gives up is repeated after half a minute.
    const goOn = backfillUntil(isOver, { session, ids, clock, pause: MINUTE / 2 });
    await Promise.all([spendHalf(), goOn]);
    return spent;
  });
  return { spent: { beside: to - from, afterwards: finished - again }, other };
}

describe('the ledger that workers share', () => {
  it("grants no second minute's units to a worker that goes on after a crash", async () => {
    const gmail = openGmail();
    const { clock, simulator, api } = gmail;
    const sessions = openSessions(gmail, pricesAt(LIMIT));
    const ids = fill(gmail, 50);
    const startedAt = clock.now();
    await clock.run(async () => {
      for (let life = 0; life < 8; life++) {
        // Nothing of the former worker is left but the ledger.
        const session = createGmailSession({
          api,
          mailbox: ADA,
          lane: 'backfill',
          ledger: sessions.ledger,
          prices: sessions.prices,
          clock,
          pacer: sessions.openPacer(),
        });
        await backfill(session, ids, 1_000);
        await clock.sleep(clock.random() * 15_000);
      }
    });
    const use = simulator.usage.of(ADA);
    expect(use.peakUnitsPerMinute).toBeLessThanOrEqual(LIMIT);
    expect(clock.now() - startedAt).toBeGreaterThan(2 * MINUTE);
  });

  it('lets two workers at once spend no more than one may', async () => {
    const gmail = openGmail();
    const { clock, simulator, api } = gmail;
    const sessions = openSessions(gmail, pricesAt(LIMIT));
    const ids = fill(gmail, 50);
    const worker = () =>
      createGmailSession({
        api,
        mailbox: ADA,
        lane: 'backfill',
        ledger: sessions.ledger,
        prices: sessions.prices,
        clock,
        pacer: sessions.openPacer(),
      });
    await clock.run(() => Promise.all([backfill(worker(), ids, 4_000), backfill(worker(), ids, 4_000)]));
    expect(simulator.usage.of(ADA).peakUnitsPerMinute).toBeLessThanOrEqual(LIMIT);
  });
});

describe('new mail during a backfill', () => {
  it.each(['sliding-minute', 'fixed-minute', 'ten-seconds'] as const)(
    'is fetched within seconds at the real rate (%s)',
    async (window) => {
      const gmail = openGmail({ quota: { window, userUnitsPerMinute: 6_000 }, latencyMs: 200 });
      const { clock, mailbox } = gmail;
      const sessions = openSessions(gmail, pricesAt(6_000));
      const ids = fill(gmail, 50);
      const endsAt = clock.now() + 10 * MINUTE;
      const waits: number[] = [];
      await clock.run(async () => {
        const live = sessions.open('live');
        const receive = async (): Promise<void> => {
          const since = historyId(mailbox.historyId);
          const [id = ''] = fill(gmail, 1);
          const arrivedAt = clock.now();
          await live.listHistory({ startHistoryId: since, pageToken: null });
          await live.batchGet([{ kind: 'message', id: messageId(id) }], 'minimal');
          waits.push(clock.now() - arrivedAt);
        };
        const arrivals = async (): Promise<void> => {
          while (clock.now() < endsAt) {
            await clock.sleep(16_000 * clock.random());
            await receive();
          }
        };
        await Promise.all([
          arrivals(),
          backfill(sessions.open('backfill'), ids, Number.POSITIVE_INFINITY, () => clock.now() > endsAt),
        ]);
      });
      expect(waits.length).toBeGreaterThan(50);
      expect(waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.95)]).toBeLessThanOrEqual(3_000);
    },
  );
});

describe('"Retry after"', () => {
  it('stops the whole mailbox until the named time, which is shown while it waits', async () => {
    const gmail = openGmail();
    const { clock, simulator } = gmail;
    const sessions = openSessions(gmail, pricesAt(LIMIT));
    const ids = fill(gmail, 50);
    const until = clock.now() + 15_000;
    simulator.faults.add({ effect: { kind: 'retry-after', until } });
    const shown: number[] = [];
    await clock.run(async () => {
      const live = sessions.open('live');
      await Promise.all([
        live.getProfile(),
        backfill(sessions.open('backfill', { onWait: (time) => shown.push(time) }), ids, 10),
      ]);
    });
    expect(clock.now() - until).toBeLessThan(1_000);
    expect(new Set(shown.slice(0, 3))).toEqual(new Set([until]));
    expect(simulator.usage.of(ADA).rejected, 'only what was under way when the first was refused').toBeLessThanOrEqual(
      11,
    );
  });

  it('too far away is thrown with its time, to every caller, without asking Gmail again', async () => {
    const gmail = openGmail();
    const { clock, simulator } = gmail;
    const sessions = openSessions(gmail, pricesAt(LIMIT));
    const until = clock.now() + 15 * MINUTE;
    simulator.faults.add({ effect: { kind: 'retry-after', until } });
    await clock.run(async () => {
      for (const lane of ['live', 'backfill'] as const) {
        const error: unknown = await sessions
          .open(lane)
          .getProfile()
          .catch((caught: unknown) => caught);
        expect(error instanceof GmailError && error.failure).toEqual({
          kind: 'rate-limited',
          limit: 'user',
          retryAt: until,
        });
      }
    });
    expect(simulator.usage.of(ADA).rejected).toBe(1);
  });
});
