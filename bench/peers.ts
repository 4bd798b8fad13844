import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { inFolder, type Ends } from './in-folder.ts';
import { afternoon } from './peers/afternoon.ts';
import { comparedWithLieer, figuresOf, methodsIn, type Findings } from './peers/findings.ts';
import { lieer, whatLieerLacks } from './peers/lieer.ts';
import { CHANGES, changeMail } from './peers/mail-changes.ts';
import { killSync, measureSync, type MeasuredSync } from './peers/measured-sync.ts';
import { described, mistakesOf } from './peers/mistakes.ts';
import type { MailCopy, Peer } from './peers/peer.ts';
import { SharedGmail } from './peers/shared-gmail.ts';
import { tidemarkEngine } from './peers/tidemark-engine.ts';
import { tidemarkStart } from './peers/tidemark-start.ts';

/** As many as in the smaller run of `bench engine`. PEERS_MESSAGES=2000 makes a quick trial run. */
const MESSAGES = Number(process.env['PEERS_MESSAGES'] ?? 10_000);
/** Ms of every answer, as in `bench quota`. Gmail takes longer; PEERS_LATENCY=0 measures the processor alone. */
const LATENCY = Number(process.env['PEERS_LATENCY'] ?? 20);
/** PEERS_SPEED=1 measures the first syncs, and nothing after them. */
const ONLY_SPEED = process.env['PEERS_SPEED'] === '1';
/** The share of calls that fail around the kill. */
const FAILURES = 0.01;

/** A program, a copy of the mailbox that it makes, and what was found so far. */
interface Entrant {
  readonly peer: Peer;
  readonly copy: MailCopy;
  readonly checks: Findings['checks'][number][];
  /** How many messages it is meant to copy at first. */
  messages: number;
}

export const peers: Bench = {
  name: 'peers',
  about: 'Tidemark beside lieer and a program of an afternoon, on the same mail of one simulator',
  async run() {
    return inFolder(measure);
  },
};

async function measure(folder: string, ends: Ends): Promise<readonly Figure[]> {
  const lacking = whatLieerLacks();
  if (lacking !== null) console.error(`peers: ${lacking}`);
  const ours = [tidemarkEngine('full'), tidemarkEngine('raw'), tidemarkStart];
  // Tidemark comes first: the simulator answers faster once its code is compiled, which helps those that come later.
  const all = [...ours, ...(lacking === null ? [lieer] : []), afternoon];
  const gmail = await SharedGmail.start({ messages: MESSAGES, latency: LATENCY }, ends);
  const open = (peer: Peer, part: string): Promise<MailCopy> => {
    const own = join(folder, `${part}-${all.indexOf(peer)}`);
    mkdirSync(own);
    return peer.open({ folder: own, gmail, ends });
  };
  const entrants: Entrant[] = [];
  for (const peer of all) entrants.push({ peer, copy: await open(peer, 'copy'), checks: [], messages: 0 });
  await firstSyncs(gmail, entrants);
  if (!ONLY_SPEED) await changesAndKills(gmail, entrants, open);
  const findings = entrants.map(foundOf);
  const of = (peer: Peer): Findings | undefined => findings.find((found) => found.peer === peer);
  const [engine, other] = [of(all[0] ?? lieer), of(lieer)];
  return [
    ...findings.flatMap((found) => figuresOf(found, ours.includes(found.peer))),
    ...(engine === undefined || other === undefined ? [] : comparedWithLieer(engine, other)),
  ];
}

async function firstSyncs(gmail: SharedGmail, entrants: readonly Entrant[]): Promise<void> {
  const { messages } = await gmail.truth();
  for (const entrant of entrants) {
    entrant.messages = messages.filter(({ labelIds }) => entrant.peer.keepsMessage(labelIds)).length;
    const { exitCode } = await check(gmail, entrant, 'the first sync');
    if (exitCode !== 0) throw new InvalidRunError(`${entrant.peer.name} ended its first sync with ${exitCode}`);
  }
}

async function checkEach(gmail: SharedGmail, entrants: readonly Entrant[], after: string): Promise<void> {
  for (const entrant of entrants) await check(gmail, entrant, after);
}

/** What is wrong after changes, after a kill, and after an expired history. */
async function changesAndKills(
  gmail: SharedGmail,
  entrants: readonly Entrant[],
  open: (peer: Peer, part: string) => Promise<MailCopy>,
): Promise<void> {
  const lasting = entrants.filter(({ peer }) => peer.onlyFirstSync !== true);
  await changeMail(gmail, 1);
  await checkEach(gmail, lasting, `${CHANGES} changes`);
  const killed: Entrant[] = [];
  for (const entrant of lasting) killed.push({ ...entrant, copy: await open(entrant.peer, 'killed') });
  await killEach(gmail, killed);
  // Last of all: a first sync that begins right after the end of history has to do without it, and pays for that.
  await changeMail(gmail, 2);
  await gmail.change('expire-history', {});
  await checkEach(gmail, lasting, `${CHANGES} more, history expired`);
}

/** Kills each program half-way through a first sync and starts it again, while calls fail; then once more. */
async function killEach(gmail: SharedGmail, entrants: readonly Entrant[]): Promise<void> {
  await gmail.failCalls(FAILURES);
  for (const entrant of entrants) {
    const gaveUp = await killSync(gmail, entrant.copy, foundOf(entrant).first.usage.units / 2);
    const before = gaveUp === 0 ? '' : ` (it gave up ${gaveUp} times before the kill)`;
    await check(gmail, entrant, `a kill and a second run, ${100 * FAILURES}% errors${before}`);
  }
  await gmail.endFailures();
  await checkEach(gmail, entrants, 'a third run without errors');
}

/** Brings the copy up to date, and compares it with the mailbox. */
async function check(gmail: SharedGmail, { peer, copy, checks }: Entrant, after: string): Promise<MeasuredSync> {
  const sync = await measureSync(gmail, copy);
  const mistakes = await mistakesOf(peer, copy, await gmail.truth());
  checks.push({ after, sync, mistakes });
  console.error(
    `peers: ${peer.name}, ${after}: ${described(mistakes) || 'exact'}; ${sync.wholeSeconds.toFixed(1)} s, ` +
      methodsIn(sync),
  );
  return sync;
}

function foundOf({ peer, messages, checks }: Entrant): Findings {
  const first = checks[0]?.sync;
  if (first === undefined) throw new InvalidRunError(`${peer.name} has not run`);
  return { peer, messages, checks, first };
}
