import { expect, it, onTestFinished } from 'vitest';

import { VirtualGmail } from '../fixtures/measured/virtual-gmail.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { pacificDay, pacificDayEnd } from '../../src/model/pacific-day.ts';

const BUDGET = 20_000;
const HOUR = 60 * 60_000;
const MAIL = { threadSize: 3, bodyBytes: 600 } as const;
const SETTINGS = { pollInterval: 10 * 60_000 };

/** Two mailboxes whose backfills need more than a day's units. */
async function open() {
  const world = await VirtualGmail.open({
    quota: { window: 'sliding-minute', userUnitsPerMinute: 6_000 },
    projectUnitsPerDay: BUDGET,
  });
  onTestFinished(() => world.close());
  const { clock } = world;
  // An hour before midnight in Pacific time.
  await clock.run(() => clock.sleep(pacificDayEnd(clock.now()) - clock.now() - HOUR));
  const mailboxes = [
    await world.addMailbox('ada@example.com', { messages: 1_500, ...MAIL }, SETTINGS),
    await world.addMailbox('bob@example.com', { messages: 1_500, ...MAIL }, SETTINGS),
  ];
  const spent = (): number => mailboxes.reduce((sum, { use }) => sum + use.units, 0);
  return { world, clock, mailboxes, spent };
}

it('The daily budget holds back backfills until midnight in Pacific time, and lets live syncs go on', async () => {
  const { world, clock, mailboxes, spent } = await open();
  const [ada, bob] = mailboxes;
  if (ada === undefined || bob === undefined) throw new Error('no mailboxes');
  const midnight = pacificDayEnd(clock.now());
  for (const mailbox of mailboxes) mailbox.start();
  await clock.run(async () => {
    await ada.until(() => ada.heldUntil !== null && bob.heldUntil !== null);
    expect([ada.heldUntil, bob.heldUntil]).toEqual([midnight, midnight]);
    expect(spent()).toBeGreaterThan(0.9 * BUDGET);
    // Two slices at once exceed the budget by no more than the smallest part of each.
    expect(spent()).toBeLessThanOrEqual(0.95 * BUDGET + 2 * 1_000);

    await clock.sleep(HOUR / 2);
    const { id } = ada.gmail.insert({
      raw: 'Subject: News\r\n\r\nHello\r\n',
      labelIds: ['INBOX'],
      internalDate: clock.now(),
    });
    ada.poke();
    const at = clock.now();
    const isStored = async (): Promise<boolean> => {
      const { changeSequence = 0 } = (await world.stores.store.getMailbox(mailboxId('ada@example.com'))) ?? {};
      const { changes } = await world.stores.store.readChangePage({
        mailbox: mailboxId('ada@example.com'),
        after: changeSequence - 1,
        limit: 1,
      });
      return changes[0]?.messageId === id;
    };
    expect((await ada.until(isStored)) - at).toBeLessThan(3_000);
    expect(ada.heldUntil).toBe(midnight);

    await ada.until(() => ada.inSync && bob.inSync, 1_000);
    expect(clock.now()).toBeGreaterThan(midnight);
    expect(clock.now()).toBeLessThan(midnight + HOUR);
  });
  expect(await ada.differences()).toEqual([]);
});

it("Workers that die leave at most their last second each out of the day's count of units", async () => {
  const { world, clock, mailboxes, spent } = await open();
  for (const mailbox of mailboxes) mailbox.start();
  const deaths = 6;
  await clock.run(async () => {
    for (let death = 0; death < deaths; death++) {
      await clock.sleep(7_000 + 5_000 * clock.random());
      for (const mailbox of mailboxes) mailbox.attempts.killWorker();
    }
    await clock.sleep(HOUR / 3);
  });
  const counted = await world.stores.store.unitsOfDay(pacificDay(clock.now()));
  // In a second, a burst may spend a sixth of a minute's allowance: for each mailbox and death.
  expect(spent()).toBeLessThanOrEqual(0.95 * BUDGET + 2 * 1_000 + 2 * deaths * 1_000);
  expect(spent() - counted).toBeLessThanOrEqual(2 * deaths * 1_000);
  expect(counted).toBeGreaterThan(0.9 * BUDGET);
});
