import type { TidemarkWithStores } from '../src/app/open-with-stores.ts';
import { systemClock as clock } from '../src/host/system-clock.ts';
import type { MailboxId } from '../src/model/ids.ts';
import { Random } from '../src/simulator/random.ts';
import type { Simulator } from '../src/simulator/simulator.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { differences } from '../test/fixtures/schedules/compare.ts';
import { load } from './bench-processes.ts';
import { inFolder, type Ends } from './in-folder.ts';
import { KilledFleet } from './killed-fleet.ts';
import { insertMail, openBenchSystem, openWith, startMailboxes } from './mailboxes-in-sync.ts';

const MINUTES = Number(process.env['CHAOS_MINUTES'] ?? 60);
const MAILBOXES = 50;
/** Ms between two changes of mail, on average. */
const CHANGE_EVERY = 150;
/** Ms between polls. A killed server may lose a poke: then a poll finds the change. */
const POLL = 10_000;
/** The longest time (ms) for which Gmail's server is away. */
const GMAIL_AWAY = 10_000;
/** The part of the calls that Gmail refuses besides, with each of the statuses. */
const REFUSED = 0.005;
const STATUSES = [429, 503];
/** Ms after the chaos within which everything must be exact. */
const HEALED_WITHIN = 15 * 60_000;

/** Changes mail at random, as owners do, until the signal aborts. Returns how many changes it made. */
async function changeMail(
  { simulator, tidemark }: { readonly simulator: Simulator; readonly tidemark: TidemarkWithStores },
  mailboxes: readonly MailboxId[],
  signal: AbortSignal,
): Promise<number> {
  const random = new Random(Date.now());
  for (let made = 0; ; made++) {
    await clock.sleep(2 * random.next() * CHANGE_EVERY, signal).catch(() => undefined);
    if (signal.aborted) return made;
    const mailbox = random.pick(mailboxes);
    changeOne(simulator, mailbox, { random, made });
    void tidemark.client.poke(mailbox).catch(() => undefined);
  }
}

function changeOne(
  simulator: Simulator,
  mailbox: MailboxId,
  { random, made }: { readonly random: Random; readonly made: number },
): void {
  const gmail = simulator.mailbox(mailbox);
  const messages = gmail.truth({ includeSpamTrash: true });
  const dice = random.next();
  if (messages.length < 5 || dice < 0.4) return insertMail(simulator, mailbox, made);
  const { id, labelIds } = random.pick(messages);
  if (dice < 0.5) return gmail.delete(id);
  if (dice < 0.6) return labelIds.includes('TRASH') ? gmail.untrash(id) : gmail.trash(id);
  const label = random.pick(['STARRED', 'UNREAD', 'IMPORTANT']);
  gmail.modify([id], labelIds.includes(label) ? { remove: [label] } : { add: [label] });
}

/** What differs in all mailboxes. */
async function allDifferences(
  { simulator, tidemark }: { readonly simulator: Simulator; readonly tidemark: TidemarkWithStores },
  mailboxes: readonly MailboxId[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const mailbox of mailboxes) {
    const row = await tidemark.store.getMailbox(mailbox);
    if (row === null) throw new InvalidRunError(`${mailbox} is not in the store`);
    const mirror = { mailbox, gmail: simulator.mailbox(mailbox), stores: { store: tidemark.store } };
    for (const difference of await differences(mirror, row.settings)) found.push(`${mailbox}: ${difference}`);
  }
  return found;
}

async function measure(folder: string, ends: Ends): Promise<readonly Figure[]> {
  const fleet = await KilledFleet.open(folder);
  ends.push(() => fleet.stop());
  const { simulator, ...system } = await openBenchSystem(folder, ends, { temporalAddress: fleet.temporalAddress });
  const env = { ...system.env, ...fleet.databaseEnv };
  const tidemark = await openWith(env, ends);
  fleet.startWorkers('src/worker.ts', { args: [], env });
  const mailboxes = await startMailboxes({ simulator, env }, tidemark, MAILBOXES, { pollInterval: POLL });
  const world = { simulator, tidemark };

  const faults = STATUSES.map((status) =>
    simulator.faults.add({ match: {}, effect: { kind: 'status', status }, probability: REFUSED }),
  );
  const over = new AbortController();
  let interruptions = 0;
  const killing = fleet.killInTurn(over.signal, [
    async () => {
      await system.interruptGmail(Math.random() * GMAIL_AWAY);
      interruptions += 1;
    },
  ]);
  const changing = changeMail(world, mailboxes, over.signal);
  await clock.sleep(MINUTES * 60_000);
  over.abort();
  const changes = await changing;
  const kills = await killing;
  for (const fault of faults) fault.remove();

  const endedAt = clock.now();
  let wrong = await allDifferences(world, mailboxes);
  const wrongAtOnce = wrong.length;
  while (wrong.length > 0 && clock.now() - endedAt < HEALED_WITHIN) {
    await clock.sleep(2_000);
    wrong = await allDifferences(world, mailboxes);
  }
  for (const line of wrong.slice(0, 10)) console.error(line);
  const messages = mailboxes.reduce((sum, mailbox) => sum + simulator.mailbox(mailbox).truth().length, 0);
  const killed = kills.workers + kills.postgres + kills.temporal + interruptions;
  return [
    {
      name: `${MINUTES} minutes of chaos: wrong at the end`,
      value: wrong.length,
      unit: '',
      bound: { is: 'at most', value: 0 },
      note: `${MAILBOXES} mailboxes, ${messages} messages, ${changes} changes; ${load()}`,
    },
    {
      name: '  processes killed',
      value: killed,
      unit: '',
      bound: null,
      note:
        `${kills.workers} workers, PostgreSQL ${kills.postgres}, Temporal ${kills.temporal} ` +
        `and Gmail's server ${interruptions} times`,
    },
    {
      name: '  exact after',
      value: (clock.now() - endedAt) / 1_000,
      unit: 's',
      bound: null,
      note: `${wrongAtOnce} differences when the chaos ended`,
    },
  ];
}

export const chaos: Bench = {
  name: 'chaos',
  about: `${MAILBOXES} mailboxes change for ${MINUTES} minutes (CHAOS_MINUTES) while every process is killed at random`,
  run: () => inFolder(measure),
};
