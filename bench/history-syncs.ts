import { mailboxId } from '../src/model/ids.ts';
import { PRICE_TABLES } from '../src/model/prices.ts';
import type { UseSummary } from '../src/simulator/usage.ts';
import { Random } from '../test/schedules/seeded-random.ts';
import { requireExact, InvalidRunError, type Bench } from './figure.ts';
import { VirtualGmail, type VirtualMailbox } from './virtual-gmail.ts';

const EMAIL = 'ada@example.com';
const PAGE = 500;

/** The usage between two readings of the simulator's counters. */
function since(
  before: UseSummary,
  after: UseSummary,
): {
  units: number;
  calls: (method: keyof UseSummary['methods']) => number;
  unitsOf: (method: keyof UseSummary['methods']) => number;
} {
  return {
    units: after.units - before.units,
    calls: (method) => (after.methods[method]?.calls ?? 0) - (before.methods[method]?.calls ?? 0),
    unitsOf: (method) => (after.methods[method]?.units ?? 0) - (before.methods[method]?.units ?? 0),
  };
}

/** Waits until the mailbox is in sync and nothing is left to settle or list, so that later work has one cause. */
async function synchronised(world: VirtualGmail, mailbox: VirtualMailbox): Promise<void> {
  mailbox.start();
  await world.clock.run(async () => {
    await mailbox.until(() => mailbox.inSync);
    await world.clock.sleep(2 * 60_000);
    await mailbox.until(() => mailbox.inSync && mailbox.idle);
  });
}

export interface LabelChangesSync {
  readonly historyUnits: number;
  readonly gets: number;
  /** All units of the one partial sync. */
  readonly units: number;
  readonly differences: readonly string[];
}

/** Changes a label of `changes` messages, each in a separate record, then measures the one partial sync. */
export async function partialSyncOfLabelChanges(changes: number): Promise<LabelChangesSync> {
  const world = await VirtualGmail.open();
  const mailbox = await world.addMailbox(
    EMAIL,
    { messages: changes + Math.ceil(changes / 10), threadSize: 3, bodyBytes: 600 },
    { format: 'minimal', pollInterval: 3_600_000 },
  );
  await synchronised(world, mailbox);
  const known = [...mailbox.gmail.all()].filter(
    ({ current }) => !current.labelIds.includes('SPAM') && !current.labelIds.includes('TRASH'),
  );
  for (const { id, current } of known.slice(0, changes))
    mailbox.gmail.modify([id], current.labelIds.includes('STARRED') ? { remove: ['STARRED'] } : { add: ['STARRED'] });
  const before = mailbox.use;
  mailbox.poke();
  await world.clock.run(() => mailbox.until(() => mailbox.inSync && mailbox.idle, 5));
  const use = since(before, mailbox.use);
  const differences = await mailbox.differences();
  await world.close();
  return {
    historyUnits: use.unitsOf('history.list'),
    gets: use.calls('messages.get') + use.calls('threads.get'),
    units: use.units,
    differences,
  };
}

export const labelChanges: Bench = {
  name: 'partial-sync',
  about: 'partial sync of 10,000 label changes',
  async run() {
    const changes = 10_000;
    const { historyUnits, gets, units, differences } = await partialSyncOfLabelChanges(changes);
    requireExact(differences, 'partial sync');
    const pages = changes / PAGE;
    return [
      {
        name: 'partial sync of 10,000 label changes: history.list',
        value: historyUnits,
        unit: 'units',
        bound: { is: 'at most', value: 2 * pages },
        note: `${units} units with labels.list, which tells of renames`,
      },
      { name: '  gets', value: gets, unit: 'calls', bound: { is: 'at most', value: 0 } },
    ];
  },
};

export interface Recovery {
  readonly units: number;
  /** What a MINIMAL get of every message would cost. */
  readonly minimalGets: number;
  readonly methods: string;
  readonly differences: readonly string[];
}

const LABELS = 30;

/** History expires with changes in the gap: half of them labels, a quarter new mail, a quarter deletions for good. */
export async function recoverFromExpiredHistory({
  messages,
  changes,
}: {
  messages: number;
  changes: number;
}): Promise<Recovery> {
  const world = await VirtualGmail.open();
  const mailbox = await world.addMailbox(
    EMAIL,
    { messages, threadSize: 3, bodyBytes: 600 },
    { format: 'minimal', pollInterval: 3_600_000 },
  );
  const { gmail } = mailbox;
  while (gmail.labels().length < LABELS) gmail.createLabel(`Label ${gmail.labels().length}`);
  await synchronised(world, mailbox);

  const random = new Random(7);
  const ids = [...gmail.all()].map(({ id }) => id);
  const own = gmail.labels().filter((label) => label.type === 'user');
  for (let change = 0; change < changes; change++) {
    if (change % 4 < 2)
      gmail.modify(
        [random.pick(ids)],
        random.chance(0.5) ? { add: [random.pick(own).id] } : { remove: ['INBOX', 'UNREAD'] },
      );
    else if (change % 4 === 2)
      gmail.insert({
        raw: `Subject: New ${change}\r\n\r\nHello\r\n`,
        labelIds: ['INBOX', 'UNREAD'],
        internalDate: world.clock.now(),
      });
    else gmail.deleteAll(ids.splice(random.below(ids.length), 1));
  }
  gmail.expireHistory();
  const before = mailbox.use;
  mailbox.poke();
  await world.clock.run(async () => {
    await mailbox.until(() => mailbox.idle && !mailbox.inSync);
    await mailbox.until(() => mailbox.inSync && mailbox.idle);
  });
  const use = since(before, mailbox.use);
  const differences = await mailbox.differences();
  const row = await world.stores.store.getMailbox(mailboxId(EMAIL));
  await world.close();
  if (row?.generation !== 2)
    throw new InvalidRunError(`no recovery took place: the mailbox is in generation ${row?.generation}`);
  const methods = (['messages.list', 'messages.get', 'threads.get', 'history.list'] as const)
    .map((method) => `${method} ${use.unitsOf(method)}`)
    .join(', ');
  return {
    units: use.units,
    minimalGets: ids.length * PRICE_TABLES['2026'].units['messages.get'],
    methods,
    differences,
  };
}

export const recovery: Bench = {
  name: 'recovery',
  about: '404 of history: 100,000 messages, 30 labels, 200 changes in the gap',
  async run() {
    const { units, minimalGets, methods, differences } = await recoverFromExpiredHistory({
      messages: 100_000,
      changes: 200,
    });
    requireExact(differences, 'recovery');
    return [
      {
        name: '404 recovery of 100,000 messages',
        value: units,
        unit: 'units',
        bound: { is: 'at most', value: minimalGets / 450 },
        note: `1/${Math.round(minimalGets / units)} of MINIMAL gets; ${methods}; 50 of the changes are new mail (1,000 units), 50 deletions; a sample of ten gets and Gmail's counts confirm what looks lost`,
      },
    ];
  },
};
