import { describe, expect, it } from 'vitest';
import { readLedger, writeLedger, type Ledger } from '../../src/gmail/quota/ledger-document.ts';
import { allowBursts, learn, withAccepted } from '../../src/gmail/quota/ledger-learning.ts';
import { currentRate } from '../../src/gmail/quota/ledger-rate.ts';
import { PROBE_CALLS, refund, reserve, type Reservation } from '../../src/gmail/quota/ledger.ts';
import type { Lane } from '../../src/model/lane.ts';

const START = 1_800_000_000_000;
const LIMIT = 6_000;
const FRESH = readLedger(null);
const PROVEN = allowBursts(FRESH);

const asking = (lane: Lane, count: number, price = 20): Reservation => ({
  lane,
  prices: Array.from({ length: count }, () => price),
  granted: LIMIT,
  userLimit: LIMIT,
});

/** Reserves batch after batch while units are granted at once. */
function drain(ledger: Ledger, lane: Lane, now: number): { ledger: Ledger; units: number; until: number } {
  let units = 0;
  for (let current = ledger; ;) {
    const { ledger: next, result } = reserve(current, asking(lane, 50), now);
    if (result.kind === 'wait') return { ledger: next, units, until: result.until };
    units += result.units;
    current = next;
  }
}

const refusal = (limit: 'user' | 'project' = 'user', retryAt: number | null = null, sentAt = Infinity) => ({
  limit,
  retryAt,
  units: 20,
  isMostOfAnswer: false,
  sentAt,
  jitter: 0.5,
  granted: LIMIT,
  userLimit: LIMIT,
  lateness: 300,
});

/** Spends at a smooth pace from `from` to `to`. Gmail refuses some calls; the units of the others are returned. */
function spendSmoothly(
  ledger: Ledger,
  { from, to, isRefused }: { from: number; to: number; isRefused: (call: number) => boolean },
): { ledger: Ledger; units: number } {
  let current = ledger;
  let units = 0;
  let call = 0;
  for (let now = from; now < to;) {
    const { ledger: next, result } = reserve(current, asking('backfill', 1), now);
    current = next;
    if (result.kind === 'wait') now = result.until;
    else if (isRefused(call++)) {
      current = refund(current, { units: result.units, lane: 'backfill', at: now, paceMs: result.paceMs });
      current = learn(current, { ...refusal('user', null, now), lateness: 0 }, now + 1);
    } else {
      units += result.units;
      current = withAccepted(current, now);
    }
  }
  return { ledger: current, units };
}

describe('the ledger', () => {
  it('grants an idle mailbox nearly a whole minute at once, and the same again a minute later', () => {
    const first = drain(PROVEN, 'backfill', START);
    expect(first.units).toBe(5_700);
    expect(first.until).toBeGreaterThan(START + 55_000);
    const rest = drain(first.ledger, 'backfill', START + 59_000);
    expect(rest.units).toBe(220);
    expect(drain(rest.ledger, 'backfill', START + 60_300).units).toBe(5_720);
  });

  it('leaves room for live calls in a burst', () => {
    const { ledger } = drain(PROVEN, 'backfill', START);
    expect(drain(ledger, 'live', START).units).toBe(300);
  });

  it('keeps room for as much again as live calls used', () => {
    const live = drain(drain(PROVEN, 'backfill', START).ledger, 'live', START).ledger;
    let ledger = live;
    for (let call = 0; call < 60; call++) ({ ledger } = reserve(ledger, asking('live', 1), START + 61_000));
    expect(drain(ledger, 'backfill', START + 61_000).units).toBe(6_000 - 1_200 - 1_200);
  });

  it('lets a live call that waits go before backfill calls', () => {
    let { ledger } = drain(PROVEN, 'backfill', START);
    ({ ledger } = drain(ledger, 'live', START));
    const waiting = reserve(ledger, asking('live', 40), START + 60_000);
    expect(waiting.result.kind).toBe('wait');
    const backfill = drain(waiting.ledger, 'backfill', START + 60_310);
    expect(backfill.units).toBeGreaterThan(5_000);
    expect(reserve(backfill.ledger, asking('live', 40), START + 60_310).result).toMatchObject({
      kind: 'granted',
      count: 40,
    });
  });

  it('grants as many of the first requests as fit', () => {
    const { ledger } = drain(PROVEN, 'live', START);
    const freed = refund(ledger, { units: 110, lane: 'live', at: START, paceMs: 0 });
    expect(reserve(freed, asking('live', 50), START + 1).result).toMatchObject({
      kind: 'granted',
      count: 5,
      units: 100,
    });
  });

  it('probes with only a few calls before it believes that Gmail allows bursts', () => {
    const probing = reserve(FRESH, asking('backfill', 50), START);
    expect(probing.result).toMatchObject({ count: 50, probe: false });
    const probe = reserve(probing.ledger, asking('backfill', 50), START);
    expect(probe.result).toMatchObject({ count: PROBE_CALLS, probe: true });
    expect(reserve(allowBursts(probe.ledger), asking('backfill', 50), START).result).toMatchObject({
      count: 50,
      probe: false,
    });
  });

  it('turns to a smooth pace at the first refusal, at the same rate', () => {
    let ledger = learn(PROVEN, refusal(), START);
    expect(currentRate(ledger, START)).toBe(1);
    let units = 0;
    const steps: number[] = [];
    for (let now = START; now < START + 600_000;) {
      const { ledger: next, result } = reserve(ledger, asking('backfill', 50), now);
      ledger = next;
      if (result.kind === 'wait') now = result.until;
      else {
        units += result.units;
        steps.push(result.units);
      }
    }
    expect(Math.max(...steps)).toBeLessThanOrEqual(100);
    expect(units).toBeGreaterThan(0.98 * 10 * LIMIT);
    expect(units).toBeLessThanOrEqual(10 * LIMIT);
  });

  it('loses no speed at a smooth pace to steps that do not fill ten seconds evenly', () => {
    const mixed: Reservation = {
      lane: 'backfill',
      prices: [40, 20, 20, 40, 20].flatMap((price) => [price, price, price]),
      granted: 10 * LIMIT,
      userLimit: 10 * LIMIT,
    };
    let ledger = learn(PROVEN, refusal(), START);
    let units = 0;
    for (let now = START; now < START + 600_000;) {
      const { ledger: next, result } = reserve(ledger, mixed, now);
      ledger = next;
      if (result.kind === 'wait') now = result.until;
      else units += result.units;
    }
    expect(units).toBeGreaterThan(0.985 * 100 * LIMIT);
    expect(units).toBeLessThanOrEqual(100 * LIMIT);
  });

  it('catches up at a smooth pace what a young backfill lost while it listed, unless there are live calls', () => {
    const after = (stall: number, live: number): number => {
      let ledger = reserve(FRESH, asking('backfill', 1), START).ledger;
      if (live > 0) ({ ledger } = reserve(ledger, asking('live', live), START));
      ledger = learn(ledger, refusal(), START);
      const now = START + 2_000;
      ({ ledger } = reserve(ledger, asking('backfill', 1), now));
      return drain(ledger, 'backfill', now + stall).units;
    };
    // A smooth pace allows 1,000 units in ten seconds.
    expect(after(6_000, 0)).toBeGreaterThan(500);
    expect(after(6_000, 2)).toBeLessThan(300);
  });

  it('lets a live call that waits at a smooth pace go before backfill calls', () => {
    let ledger = learn(PROVEN, refusal(), START);
    let now = ledger.pausedUntil;
    ({ ledger } = drain(ledger, 'live', now));
    const waiting = reserve(ledger, asking('live', 10), now);
    ledger = waiting.ledger;
    if (waiting.result.kind !== 'wait') throw new Error('there is room left');
    now = waiting.result.until;
    ({ ledger } = drain(ledger, 'backfill', now));
    expect(reserve(ledger, asking('live', 10), now).result).toMatchObject({ kind: 'granted', count: 10 });
  });

  it('loses no speed when Gmail refuses single calls by chance', () => {
    const smooth = learn(PROVEN, refusal(), START);
    const minute = { from: START + 60_000, to: START + 660_000 };
    const { ledger, units } = spendSmoothly(smooth, { ...minute, isRefused: (call) => call % 100 === 99 });
    expect(currentRate(ledger, minute.to)).toBe(1);
    expect(units).toBeGreaterThan(0.97 * 10 * LIMIT);
  });

  it('slows down when more is refused than by chance, and is back within half a minute when nothing is', () => {
    const smooth = learn(PROVEN, refusal(), START);
    const beside = spendSmoothly(smooth, {
      from: START + 60_000,
      to: START + 120_000,
      isRefused: (call) => call % 4 === 3,
    });
    expect(currentRate(beside.ledger, START + 120_000)).toBeLessThan(0.7);
    const alone = { from: START + 120_000, to: START + 150_000, isRefused: () => false };
    expect(currentRate(spendSmoothly(beside.ledger, alone).ledger, alone.to)).toBe(1);
  });

  it('does not take refusals that were under way for refusals of the rate that it has lowered since', () => {
    const smooth = learn(PROVEN, refusal(), START);
    const { ledger } = spendSmoothly(smooth, {
      from: START + 60_000,
      to: START + 80_000,
      isRefused: (call) => call % 4 === 3,
    });
    const rate = currentRate(ledger, START + 80_000);
    let later = ledger;
    for (let batch = 0; batch < 8; batch++)
      later = learn(later, refusal('user', null, ledger.changedAt), START + 80_000);
    expect(currentRate(later, START + 80_000)).toBe(rate);
  });

  it('leaves another client its part of a minute that both have used up', () => {
    const smooth = learn(PROVEN, refusal(), START);
    const half = LIMIT / 20 / 2;
    const { ledger, units } = spendSmoothly(smooth, {
      from: START + 60_000,
      to: START + 95_000,
      isRefused: (call) => call >= half,
    });
    expect(units).toBe(LIMIT / 2);
    const next = spendSmoothly(ledger, { from: START + 130_000, to: START + 175_000, isRefused: () => false });
    expect(next.units).toBeLessThan((0.55 * LIMIT * 45) / 60);
  });

  it.each([60_000, 300_000])('lowers no rate while Gmail refuses everything for %d ms', (time) => {
    const smooth = learn(PROVEN, refusal(), START);
    const running = { from: START + 60_000, to: START + 480_000, isRefused: () => false };
    const { ledger } = spendSmoothly(smooth, running);
    const outage = { from: running.to, to: running.to + time, isRefused: () => true };
    expect(currentRate(spendSmoothly(ledger, outage).ledger, outage.to)).toBe(1);
  });

  it('comes back by itself when too little is spent to find out', () => {
    const smooth = learn(PROVEN, refusal(), START);
    const beside = { from: START + 60_000, to: START + 80_000, isRefused: (call: number) => call % 4 === 3 };
    const { ledger } = spendSmoothly(smooth, beside);
    expect(currentRate(ledger, START + 90_000)).toBeLessThan(0.9);
    expect(currentRate(ledger, START + 680_000)).toBe(1);
    expect(
      drain(ledger, 'backfill', START + 2 * 3_600_000).units,
      'bursts are tried again after an hour',
    ).toBeGreaterThan(900);
  });

  it('learns no rate from a mailbox that hardly calls', () => {
    let ledger = learn(PROVEN, refusal(), START);
    for (const at of [10_000, 20_000, 30_000]) ledger = learn(ledger, refusal(), START + at);
    expect(currentRate(ledger, START + 30_000)).toBe(1);
  });

  it('spreads calls wider, at the same rate, when its own calls arrived too close together', () => {
    let ledger = learn(FRESH, refusal(), START);
    const sentAt = ledger.pausedUntil;
    ({ ledger } = drain(ledger, 'live', sentAt));
    const refused = learn(ledger, refusal(), START + 5_000);
    expect(currentRate(refused, START + 5_000)).toBe(1);
    expect(reserve(ledger, asking('live', 1), sentAt + 10_200).result.kind).toBe('granted');
    expect(reserve(refused, asking('live', 1), sentAt + 10_200).result).toMatchObject({ until: sentAt + 10_350 });
  });

  it('counts refusals of batches that were under way together as one', () => {
    let ledger = learn(PROVEN, refusal(), START);
    for (let batch = 0; batch < 8; batch++) {
      ledger = learn(ledger, refusal('user', null, START - 1_000), START + 100 * batch);
    }
    expect(ledger.pausedUntil).toBe(START + 375);
    expect(currentRate(ledger, START + 1_000)).toBe(1);
  });

  it('makes calls wait until the latest time that Gmail named', () => {
    let ledger = learn(PROVEN, refusal('user', START + 600_000), START);
    expect(reserve(ledger, asking('live', 1), START + 1_000).result).toEqual({
      kind: 'wait',
      until: START + 600_000,
      told: true,
    });
    ledger = learn(ledger, refusal('user', START + 900_000), START + 1_000);
    ledger = learn(ledger, refusal('user', START + 700_000), START + 2_000);
    expect(reserve(ledger, asking('live', 1), START + 899_999).result).toEqual({
      kind: 'wait',
      until: START + 900_000,
      told: true,
    });
    expect(reserve(ledger, asking('live', 1), START + 900_000).result).toMatchObject({ kind: 'granted' });
  });

  it('backs off longer with each refusal in a row', () => {
    const waits: number[] = [];
    let ledger = PROVEN;
    let now = START;
    for (let time = 0; time < 6; time++) {
      ledger = learn(ledger, refusal('project'), now);
      waits.push(ledger.pausedUntil - now);
      now = Math.max(ledger.pausedUntil, now + 3_000);
    }
    expect(waits).toEqual([375, 750, 1_500, 3_000, 6_000, 12_000]);
    expect(currentRate(ledger, now), "the project's limit says nothing about the user's").toBe(1);
  });

  it('backs off as at first when a minute has passed since the last refusal', () => {
    let ledger = PROVEN;
    for (const limit of ['user', 'project'] as const) {
      for (let time = 0; time < 6; time++) ledger = learn(ledger, refusal(limit), START + 40_000 * time);
      const now = START + 400_000;
      expect(learn(ledger, refusal(limit), now).pausedUntil).toBe(now + 375);
    }
  });

  it("backs off longer from the project's limit although calls are accepted in between", () => {
    let ledger = PROVEN;
    const waits = [0, 10_000, 20_000].map((after) => {
      const now = START + after;
      ledger = learn(withAccepted(ledger, now - 1), refusal('project', null, now), now);
      return ledger.pausedUntil - now;
    });
    expect(waits).toEqual([375, 750, 1_500]);
  });

  it('takes a rate that an older build has lowered for as low as that build has left it', () => {
    const smooth = learn(PROVEN, refusal(), START);
    const { ledger } = spendSmoothly(smooth, { from: START + 60_000, to: START + 120_000, isRefused: () => false });
    const lowered = { ...ledger, rate: 0.8, changedAt: START + 120_000 };
    expect(currentRate(lowered, START + 121_000)).toBe(0.8);
  });

  it('is the same after it was written as text and read back', () => {
    const { ledger } = drain(PROVEN, 'backfill', START);
    expect(readLedger(writeLedger(ledger))).toEqual(ledger);
  });

  it.each(['', 'no json', '{}', '{"version":99}'])('starts over when its text is %j', (text) => {
    expect(readLedger(text)).toEqual(FRESH);
  });

  it('recovers within minutes from the times that a clock a day ahead has written', () => {
    const DAY = 24 * 3_600_000;
    const { ledger } = drain(PROVEN, 'backfill', START + DAY);
    const first = drain(ledger, 'backfill', START);
    expect(first.until).toBeLessThanOrEqual(START + 61_000);
    expect(drain(first.ledger, 'backfill', START + 61_000).units).toBeGreaterThan(5_000);

    let strict = FRESH;
    for (const at of [0, 10_000, 20_000]) strict = learn(strict, refusal(), START + DAY + at);
    const after = reserve(strict, asking('backfill', 1), START).ledger;
    expect(after.pausedUntil).toBeLessThanOrEqual(START + 16_000);
    expect(currentRate(after, START + 11 * 60_000)).toBe(1);
    // Refusals count again.
    expect(learn(strict, refusal(), START).refusedAt).toBe(START);
  });

  it.each(
    [2 * 60_000, 3_600_000, 12 * 3_600_000, 23 * 3_600_000].flatMap((ahead) => [
      { limit: 'user' as const, ahead },
      { limit: 'project' as const, ahead },
    ]),
  )(
    "pauses no longer than Gmail asked where the clock that noted the $limit's refusal is $ahead ms ahead",
    ({ limit, ahead }) => {
      const refused = learn(FRESH, refusal(limit, START + ahead + 5_000), START + ahead);
      const { ledger, result } = reserve(refused, asking('live', 1), START);
      expect(result).toEqual({ kind: 'wait', until: START + 5_000, told: true });
      expect(reserve(ledger, asking('live', 1), START + 5_000).result).toMatchObject({ kind: 'granted' });
    },
  );

  it('keeps a long wait that Gmail asks for, up to a day', () => {
    const HOUR = 3_600_000;
    const waiting = learn(FRESH, refusal('user', START + 20 * HOUR), START);
    expect(reserve(waiting, asking('live', 1), START + 60_000).result).toMatchObject({
      kind: 'wait',
      until: START + 20 * HOUR,
    });
    const byWrongClock = learn(FRESH, refusal('user', START + 100 * HOUR), START + 80 * HOUR);
    expect(reserve(byWrongClock, asking('live', 1), START).result).toMatchObject({
      kind: 'wait',
      until: START + 20 * HOUR,
    });
    const tooLong = { ...waiting, pausedUntil: START + 25 * HOUR };
    expect(reserve(tooLong, asking('live', 1), START + 60_000).result.kind).toBe('granted');
  });
});
