import { Writable } from 'node:stream';

import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { reportLines } from '../../src/cli/report.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Rig } from '../fixtures/system/rig.ts';

const TEN_MINUTES = 600_000;
/** More than one slice of 30,000 units. */
const SLICES = { messages: 1_700, threadSize: 1, bodyBytes: 400 } as const;

// The server's clock is right; the worker's is not.
describe.each([
  ['ahead of', TEN_MINUTES],
  ['behind', -TEN_MINUTES],
])('a worker whose clock is ten minutes %s the Temporal server’s', (words, ahead) => {
  let rig: Rig;
  const lines: string[] = [];

  beforeAll(async () => {
    rig = await Rig.open(`wrong-clock-${ahead > 0 ? 'ahead' : 'behind'}`);
    const log = pino(
      { level: 'info' },
      new Writable({ write: (line: Buffer, _encoding, done) => (lines.push(line.toString()), done()) }),
    );
    await rig.startWorker(log, { ...systemClock, now: () => systemClock.now() + ahead });
  });
  afterAll(() => rig.close());

  it('stores a mailbox of several slices without a pause, follows it, and says that its clock is wrong', async () => {
    const box = await rig.mailbox(`clock-${ahead > 0 ? 'ahead' : 'behind'}`, SLICES);
    await box.start();
    await box.exact(90_000);
    box.deliver('news');
    await box.client.poke(box.id);
    await box.exact(30_000);
    const report = await eventually(60_000, async () => {
      const report = await box.report();
      // Gmail's clock is judged by five answers of different seconds, which take some polls.
      return report.clockSkew === null || report.gmailClockSkew === null ? null : report;
    });
    for (const skew of [report.clockSkew, report.gmailClockSkew])
      expect(Math.abs((skew ?? 0) - ahead)).toBeLessThan(60_000);
    const said = reportLines(report, null, systemClock.now()).join('\n');
    for (const whose of ["the Temporal server's: set both by NTP", "Gmail's: set it and the Temporal server's by NTP"])
      expect(said).toMatch(new RegExp(`clock +the worker's clock is \\d+ minutes ${words} ${whose}`));
    const warnings = (against: string): string[] =>
      lines.filter(
        (line) =>
          /set (both|it and the Temporal server's) by NTP/.test(line) && line.includes(`"against":"${against}"`),
      );
    await eventually(60_000, async () => (warnings('gmail').length > 0 ? true : null));
    expect([warnings('temporal').length, warnings('gmail').length]).toEqual([1, 1]);
  }, 240_000);
});

describe.each([
  ['ahead', 24 * 3_600_000],
  ['back', -24 * 3_600_000],
])('a worker whose clock jumps %s by a day before a backfill, and returns in its middle', (name, jump) => {
  let rig: Rig;
  let ahead = 0;

  beforeAll(async () => {
    rig = await Rig.open(`jump-${name}`);
    await rig.startWorker(undefined, { ...systemClock, now: () => systemClock.now() + ahead });
  });
  afterAll(() => rig.close());

  it('leaves nothing pending', async () => {
    const box = await rig.mailbox(`jump-${name}`, SLICES);
    // Single gets fail at first, so that attempts are noted under the wrong clock.
    rig.simulator.faults.add({
      match: { email: box.id, method: 'messages.get' },
      effect: { kind: 'status', status: 503 },
      times: 300,
    });
    ahead = jump;
    await box.start();
    await eventually(60_000, async () => ((await box.report()).counts.stored > 0 ? true : null));
    ahead = 0;
    // Messages that had to wait for seconds now seem to wait for a day, which the store cuts to a minute.
    await box.exact(150_000);
    expect((await box.report()).counts).toMatchObject({ pending: 0, failed: 0 });
  }, 240_000);
});
