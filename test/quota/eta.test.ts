import { describe, expect, it } from 'vitest';

import { VirtualGmail } from '../fixtures/measured/virtual-gmail.ts';
import { forecast } from '../../src/activities/forecast-backfill.ts';
import { mailboxId } from '../../src/model/ids.ts';
import type { MailboxSettings } from '../../src/model/settings.ts';
import type { QuotaEnforcement } from '../../src/simulator/quota-enforcement.ts';
import { mailWithAttachments } from '../fixtures/gmail/mail-with-attachments.ts';

const ALLOWANCE = 10_000;
const ADA = mailboxId('ada@example.com');
/**
 * Seconds from the start at which the ETA is asked for: in the first burst, within minutes, and where one minute
 * follows another.
 */
const MOMENTS = [3, 20, 45, 70, 100, 130, 150];

/** The time that generated mail covers (ms). The mail with attachments covers it, too, denser in later years. */
const SIX_YEARS = 6 * 365 * 86_400_000;

interface Estimate {
  readonly etaSeconds: number;
  readonly tookSeconds: number;
}

/** What the ETA said at moments of a backfill, and what then happened. */
async function etasOf({
  quota,
  settings = {},
  attached = 0,
}: {
  quota: QuotaEnforcement;
  settings?: Partial<MailboxSettings>;
  attached?: number;
}): Promise<Estimate[]> {
  const world = await VirtualGmail.open({ quota, latencyMs: 20 });
  const { clock, prices, stores } = world;
  const mailbox = await world.addMailbox(
    ADA,
    { messages: attached > 0 ? 600 : 3_500, threadSize: 3, bodyBytes: 600 },
    settings,
  );
  const attachments = [
    { name: 'a', content: 'one' },
    { name: 'b', content: 'two' },
  ];
  for (let i = 0; i < attached; i++)
    mailbox.gmail.insert({
      raw: mailWithAttachments({ subject: `${i}`, text: 'see below', attachments }),
      labelIds: ['INBOX'],
      internalDate: Math.floor(clock.now() - SIX_YEARS * (1 - Math.sqrt((i + 1) / attached))),
    });
  const begun = clock.now();
  const forecasts: { readonly at: number; readonly finishAt: number }[] = [];
  mailbox.start();
  const finished = await clock.run(async () => {
    for (const moment of MOMENTS) {
      await mailbox.until(() => clock.now() >= begun + moment * 1_000);
      const finishAt = (await forecast({ store: stores.store, prices, clock }, ADA))?.finishAt ?? null;
      if (finishAt !== null) forecasts.push({ at: clock.now(), finishAt });
    }
    return await mailbox.until(async () => (await stores.store.countProgress(ADA)).pending === 0);
  });
  await world.close();
  return forecasts.map(({ at, finishAt }) => ({
    etaSeconds: (finishAt - at) / 1_000,
    tookSeconds: (finished - at) / 1_000,
  }));
}

function expectAccurate(estimates: readonly Estimate[], share: number): void {
  expect(estimates).toHaveLength(MOMENTS.length);
  for (const { etaSeconds, tookSeconds } of estimates)
    expect(Math.abs(etaSeconds - tookSeconds), JSON.stringify(estimates)).toBeLessThanOrEqual(
      Math.max(share * tookSeconds, 2),
    );
}

describe('the ETA of a backfill, at any moment,', { timeout: 60_000 }, () => {
  it("is right within 1% where a whole minute's units may be spent at once", async () => {
    expectAccurate(await etasOf({ quota: { window: 'sliding-minute', userUnitsPerMinute: ALLOWANCE } }), 0.01);
  });

  it('is right within 4% where Gmail turns out to limit every ten seconds', async () => {
    expectAccurate(await etasOf({ quota: { window: 'ten-seconds', userUnitsPerMinute: ALLOWANCE } }), 0.04);
  });

  it('is right within 10% with attachments, which it estimates from the mail that was read', async () => {
    expectAccurate(
      await etasOf({
        quota: { window: 'ten-seconds', userUnitsPerMinute: ALLOWANCE },
        settings: { attachments: true },
        attached: 600,
      }),
      0.1,
    );
  });
});
