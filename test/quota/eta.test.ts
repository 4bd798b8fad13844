import { describe, expect, it } from 'vitest';

import { VirtualGmail } from '../fixtures/measured/virtual-gmail.ts';
import { forecast } from '../../src/activities/forecast-backfill.ts';
import { mailboxId } from '../../src/model/ids.ts';
import type { MailboxSettings } from '../../src/model/settings.ts';
import type { QuotaEnforcement } from '../../src/simulator/quota-enforcement.ts';
import { mailWithAttachments } from '../fixtures/gmail/mail-with-attachments.ts';

const GRANT = 10_000;
const ADA = mailboxId('ada@example.com');
/**
 * Seconds from the start at which the ETA is told: in the first burst, within minutes, and where one minute follows
 * another.
 */
const MOMENTS = [3, 20, 45, 70, 100, 130, 150];

/** Over the time that generated mail covers, denser in later years as that is. */
const SIX_YEARS = 6 * 365 * 86_400_000;

interface Told {
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
}): Promise<Told[]> {
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
  const told: { readonly at: number; readonly finishAt: number }[] = [];
  mailbox.start();
  const finished = await clock.run(async () => {
    for (const moment of MOMENTS) {
      await mailbox.until(() => clock.now() >= begun + moment * 1_000);
      const finishAt = (await forecast({ store: stores.store, prices, clock }, ADA))?.finishAt ?? null;
      if (finishAt !== null) told.push({ at: clock.now(), finishAt });
    }
    return await mailbox.until(async () => (await stores.store.countMessages(ADA, clock.now())).pending === 0);
  });
  await world.close();
  return told.map(({ at, finishAt }) => ({
    etaSeconds: (finishAt - at) / 1_000,
    tookSeconds: (finished - at) / 1_000,
  }));
}

function expectTrue(told: readonly Told[], share: number): void {
  expect(told).toHaveLength(MOMENTS.length);
  for (const { etaSeconds, tookSeconds } of told)
    expect(Math.abs(etaSeconds - tookSeconds), JSON.stringify(told)).toBeLessThanOrEqual(
      Math.max(share * tookSeconds, 2),
    );
}

describe('the ETA of a backfill, at any moment of it,', { timeout: 60_000 }, () => {
  it('is what then happens, where a whole minute may be spent at once and then nothing', async () => {
    expectTrue(await etasOf({ quota: { window: 'sliding-minute', userUnitsPerMinute: GRANT } }), 0.01);
  });

  it('is what then happens, within a few percent, where Gmail turns out to count ten seconds', async () => {
    expectTrue(await etasOf({ quota: { window: 'ten-seconds', userUnitsPerMinute: GRANT } }), 0.04);
  });

  it('estimates attachments of mail that is not read yet by those of the mail that was read', async () => {
    expectTrue(
      await etasOf({
        quota: { window: 'ten-seconds', userUnitsPerMinute: GRANT },
        settings: { attachments: true },
        attached: 600,
      }),
      0.1,
    );
  });
});
