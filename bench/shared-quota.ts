import { mailboxId } from '../src/model/ids.ts';
import type { QuotaEnforcement } from '../src/simulator/quota-enforcement.ts';
import { Random } from '../test/schedules/seeded-random.ts';
import type { Bench, Figure } from './figure.ts';
import { VirtualGmail } from './virtual-gmail.ts';

const EMAIL = 'ada@example.com';
const MINUTE = 60_000;
const REAL_RATE = 6_000;
const NEVER_IN_SYNC = { threadSize: 3, bodyBytes: 600 } as const;

export interface NewMail {
  /** Milliseconds from each insertion to the stored row, shortest first. */
  readonly waits: readonly number[];
  readonly backfillUnitsPerMinute: number;
  readonly rejected: number;
}

/** Mail arrives now and then while a backfill runs at the real rate. A poke announces each message. */
export async function newMailDuringBackfill({
  window,
  minutes,
}: {
  window: QuotaEnforcement['window'];
  minutes: number;
}): Promise<NewMail> {
  const world = await VirtualGmail.open({ quota: { window, userUnitsPerMinute: REAL_RATE }, latencyMs: 200 });
  const { clock, stores } = world;
  const mailbox = await world.addMailbox(EMAIL, { messages: minutes * 700, ...NEVER_IN_SYNC });
  const random = new Random(11);
  const waits: number[] = [];
  const id = mailboxId(EMAIL);

  async function isStored(message: string): Promise<boolean> {
    const { changeSequence = 0 } = (await stores.store.getMailbox(id)) ?? {};
    const changes = await stores.store.readChanges({
      mailbox: id,
      after: Math.max(0, changeSequence - 400),
      limit: 400,
    });
    return changes.some((change) => change.messageId === message && change.kind !== 'gone');
  }

  mailbox.start();
  const end = clock.now() + minutes * MINUTE;
  await clock.run(async () => {
    await mailbox.until(async () => (await stores.store.getMailbox(id))?.historyId != null);
    while (clock.now() < end) {
      await clock.sleep(2_000 + random.below(18_000));
      const at = clock.now();
      const inserted = mailbox.gmail.insert({
        raw: `Subject: News ${waits.length}\r\n\r\nHello\r\n`,
        labelIds: ['INBOX', 'UNREAD'],
        internalDate: at,
      });
      mailbox.poke();
      waits.push((await mailbox.until(() => isStored(inserted.id))) - at);
    }
  });
  const { units, rejected } = mailbox.use;
  await world.close();
  return { waits: waits.sort((a, b) => a - b), backfillUnitsPerMinute: units / minutes, rejected };
}

export const newMail: Bench = {
  name: 'new-mail',
  about: 'new mail during a backfill at 6,000 units a minute, from insertion and notification to stored',
  async run() {
    const figures: Figure[] = [];
    for (const window of ['sliding-minute', 'fixed-minute', 'ten-seconds'] as const) {
      const { waits, backfillUnitsPerMinute, rejected } = await newMailDuringBackfill({ window, minutes: 30 });
      const at = (part: number): number => (waits[Math.floor((waits.length - 1) * part)] ?? Number.NaN) / 1_000;
      const note = `${waits.length} mails, median ${at(0.5).toFixed(2)} s, slowest ${at(1).toFixed(2)} s; ${Math.round(backfillUnitsPerMinute)} units/min, ${rejected} rejected; without Temporal's own milliseconds`;
      figures.push({
        name: `new mail to stored, p95, ${window}`,
        value: at(0.95),
        unit: 's',
        bound: { is: 'at most', value: 3 },
        note,
      });
    }
    return figures;
  },
};

/**
 * Runs a backfill whose worker is killed repeatedly. Only the store survives each time.
 *
 * @returns the most units in any minute, and all units
 */
export async function peakOverCrashes({
  crashes,
  grant,
}: {
  crashes: number;
  grant: number;
}): Promise<{ peak: number; units: number }> {
  // Gmail enforces nothing here, so all spending is visible.
  const world = await VirtualGmail.open({ userUnitsPerMinute: grant });
  const mailbox = await world.addMailbox(EMAIL, {
    messages: Math.ceil(((crashes / 2 + 2) * grant) / 10),
    ...NEVER_IN_SYNC,
  });
  const random = new Random(5);
  mailbox.start();
  await world.clock.run(async () => {
    for (let crash = 0; crash < crashes; crash++) {
      await world.clock.sleep(500 + random.below(29_500));
      mailbox.attempts.killWorker();
    }
    await world.clock.sleep(MINUTE);
  });
  const { peakUnitsPerMinute, units } = mailbox.use;
  await world.close();
  return { peak: peakUnitsPerMinute, units };
}

export const crashes: Bench = {
  name: 'crash',
  about: 'most units in any minute while workers die',
  async run() {
    const grant = 60_000;
    const { peak, units } = await peakOverCrashes({ crashes: 20, grant });
    return [
      {
        name: 'crashes in mid-minute: most units in a minute',
        value: peak,
        unit: 'units',
        bound: { is: 'at most', value: 1.02 * grant },
        note: `20 crashes, ${units} units in all; Gmail enforces nothing`,
      },
    ];
  },
};
