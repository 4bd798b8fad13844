import { describe, expect, it } from 'vitest';

import { withForecast, Pacemeter } from '../../src/cli/pace.ts';
import { progressLine } from '../../src/cli/progress.ts';
import { reportOf, type MailboxReport } from '../../src/client/mailbox-report.ts';
import { mailboxId } from '../../src/model/ids.ts';

const NOTHING = { stored: 0, pending: 0, failed: 0, gone: 0, excluded: 0, lacking: 0, backfill: 0, due: 0 };

function reportWith(changes: {
  stored?: number;
  pending?: number;
  failed?: number;
  units?: number;
  step?: string;
}): MailboxReport {
  const { stored = 0, pending = 0, failed = 0, units = 0, step = 'fetching' } = changes;
  const usage = { calls: 0, units, rejected: 0, failed: 0, successful: 0, methods: {} };
  const empty = reportOf(
    mailboxId('ada@example.com'),
    { row: null, counts: { ...NOTHING, stored, pending, failed }, usage },
    { phase: 'full-sync', status: null },
  );
  return { ...empty, fullSync: { step, startedAt: 0, finishedAt: null } };
}

describe('progress', () => {
  it('shows share, speed, units and the time left', () => {
    const meter = new Pacemeter();
    meter.add(reportWith({ stored: 0, units: 0 }), 0);
    meter.add(reportWith({ stored: 500, pending: 500, units: 5_000 }), 5_000);
    const line = progressLine(reportWith({ stored: 500, pending: 500, units: 5_000 }), meter.read(500));
    expect(line).toBe(
      `  ${'█'.repeat(12)}${'░'.repeat(12)}  500 of 1,000 messages  50%  100/s  5,000 units  ` +
        '60,000 units/min  ETA 5s',
    );
  });

  it('never says 100% while a message is pending', () => {
    expect(progressLine(reportWith({ stored: 99_999, pending: 1 }), new Pacemeter().read(1))).toContain('  99%');
  });

  it('counts what is found while ids are listed, and shows no share of a total that still grows', () => {
    const line = progressLine(reportWith({ stored: 100, pending: 900, step: 'listing' }), new Pacemeter().read(900));
    expect(line).toContain('listing: 1,000 messages found, 100 stored');
    expect(line).not.toContain('%');
  });

  it.each([
    ['label-listing', 'comparing labels: 1,000 messages known, 100 stored  7 units'],
    ['reading-labels', 'comparing labels: 1,000 messages known, 100 stored  7 units'],
    ['confirming', 'checking the listing: 1,000 messages known, 100 stored  7 units'],
  ])('says at the step %s of a listing: %s', (step, words) => {
    const line = progressLine(reportWith({ stored: 100, pending: 900, units: 7, step }), new Pacemeter().read(900));
    expect(line).toBe(`  ${'░'.repeat(24)}  ${words}`);
  });

  it('gives no time left while nothing moves', () => {
    const meter = new Pacemeter();
    for (const at of [0, 1_000, 2_000]) meter.add(reportWith({ stored: 10, pending: 90 }), at);
    expect(meter.read(90)).toMatchObject({ messagesPerSecond: 0, unitsPerMinute: 0, remaining: null, unitsLeft: null });
  });

  it('forgets the speed of long ago', () => {
    const meter = new Pacemeter();
    meter.add(reportWith({ stored: 0 }), 0);
    meter.add(reportWith({ stored: 10_000 }), 1_000);
    for (let at = 2_000; at <= 120_000; at += 1_000) meter.add(reportWith({ stored: 10_000 + at / 1_000 }), at);
    expect(meter.read(10).messagesPerSecond).toBeCloseTo(1, 1);
  });

  it('takes the time left from the forecast of the quota, where there is one', () => {
    const meter = new Pacemeter();
    meter.add(reportWith({ stored: 0 }), 0);
    meter.add(reportWith({ stored: 500, pending: 500 }), 1_000);
    const forecast = {
      unitsLeft: 9_000,
      unitsPerMinute: 6_000,
      lastMinute: 5_940,
      requestsLeft: 3,
      moneyLeft: null,
      finishAt: 91_000,
    };
    expect(withForecast(meter.read(500), forecast, 1_000)).toEqual({
      messagesPerSecond: 500,
      unitsPerMinute: 5_940,
      remaining: 90_000,
      unitsLeft: 9_000,
      requestsLeft: 3,
      moneyLeft: null,
    });
    expect(
      withForecast(meter.read(500), { ...forecast, requestsLeft: 3, moneyLeft: null, finishAt: null }, 1_000),
    ).toMatchObject({
      remaining: 1_000,
      unitsLeft: 9_000,
    });
  });

  it("gives the time left when a minute's quota is spent at once and the rest of the minute waits", () => {
    const meter = new Pacemeter();
    for (let at = 0; at <= 50_000; at += 250) meter.add(reportWith({ stored: at === 0 ? 0 : 300, pending: 300 }), at);
    expect(meter.read(300)).toMatchObject({ messagesPerSecond: 6, remaining: 50_000 });
  });
});
