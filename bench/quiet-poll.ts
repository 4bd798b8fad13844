import { requireExact, type Bench } from '../test/fixtures/measured/figure.ts';
import { VirtualGmail } from '../test/fixtures/measured/virtual-gmail.ts';

const EMAIL = 'ada@example.com';
const MINUTE = 60_000;
const POLLS = 24 * 60;
/** labels.list (1 unit) shows renamed labels, history.list (2 units) everything else. */
const UNITS_OF_A_POLL = 3;

export interface QuietDay {
  readonly polls: number;
  /** Units of the polls themselves. */
  readonly polling: number;
  /** All other units: the account's address is looked up some four times a day. */
  readonly other: number;
  readonly differences: readonly string[];
}

/** A day of polls, one a minute, of a mailbox in which nothing happens. */
export async function pollQuietDay(): Promise<QuietDay> {
  const world = await VirtualGmail.open();
  const mailbox = await world.addMailbox(
    EMAIL,
    { messages: 1_000, threadSize: 3, bodyBytes: 600 },
    { format: 'full', pollInterval: MINUTE },
  );
  mailbox.start();
  const quiet = await world.clock.run(async () => {
    await mailbox.until(() => mailbox.inSync);
    await world.clock.sleep(10 * MINUTE);
    const before = mailbox.use;
    await world.clock.sleep(POLLS * MINUTE);
    const after = mailbox.use;
    const unitsOf = (method: 'labels.list' | 'history.list'): number =>
      (after.methods[method]?.units ?? 0) - (before.methods[method]?.units ?? 0);
    const polling = unitsOf('labels.list') + unitsOf('history.list');
    // Each poll calls labels.list once, for one unit: its units count the polls.
    return { polls: unitsOf('labels.list'), polling, other: after.units - before.units - polling };
  });
  const differences = await mailbox.differences();
  await world.close();
  return { ...quiet, differences };
}

export const quietPoll: Bench = {
  name: 'quiet-poll',
  about: 'a day of polls in which nothing happens',
  async run() {
    const { polls, polling, other, differences } = await pollQuietDay();
    requireExact(differences, 'a quiet day');
    return [
      {
        name: 'a poll that finds nothing',
        value: polling / polls,
        unit: 'units',
        bound: { is: 'at most', value: UNITS_OF_A_POLL },
        note: `${polls} polls`,
      },
      {
        name: '  a day of them: other units',
        value: other,
        unit: 'units',
        bound: { is: 'at most', value: polling / 1_000 },
        note: 'getProfile, which shows whether the account was renamed',
      },
    ];
  },
};
