import { mailboxId } from '../model/ids.ts';
import { openTidemark } from '../open-tidemark.ts';
import { followUntilInSync } from '../cli/progress.ts';
import { readRunning, type Running } from './claim.ts';
import type { StartContext } from './context.ts';
import { clockTime, followLive } from './live-feed.ts';
import { summaryLines } from './summary.ts';

const LOOK_EVERY = 500;
const STARTS_WITHIN = 120_000;

/** Beside an `npm start` that runs already: shows what it does, and ends with it. */
export async function join(context: StartContext, pid: number): Promise<number> {
  const { config, options, clock, out, say, signal, onEnd } = context;
  say(`npm start runs already here, as process ${pid}: joining it.`);
  const running = await whenServing(context);
  if (running === null) {
    say('It has ended before it was up. Start again: npm start');
    return 1;
  }
  if (running.uiUrl !== null) say(`Temporal's UI  ${running.uiUrl}`);
  const tidemark = await openTidemark({ config, clock });
  onEnd(() => tidemark.close());
  const { client } = tidemark;
  const mailboxes = running.mailboxes.map(mailboxId);
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const watching = (async () => {
    while (!either.aborted && readRunning(config.dataDir)?.pid === running.pid) await clock.sleep(LOOK_EVERY, either).catch(() => undefined);
    ended.abort();
  })();
  try {
    const following: Promise<void>[] = [];
    for (const mailbox of mailboxes) {
      const startedAt = clock.now();
      const report = await followUntilInSync({ client, mailbox, out, config, clock, signal: either });
      say(`${clockTime(clock.now())}  ${mailbox} is in sync`);
      if (options.once === true) say('', ...summaryLines(report, { elapsed: clock.now() - startedAt, database: config.database }));
      else following.push(followLive({ client, mailbox, after: report.changeSequence, clock, signal: either, say, named: mailboxes.length > 1 }));
    }
    await Promise.all(following);
  } catch (error) {
    if (!either.aborted) throw error;
  } finally {
    const gone = ended.signal.aborted && !signal.aborted;
    ended.abort();
    await watching;
    if (gone) say(`npm start (process ${pid}) has ended, and this one with it. Start again: npm start`);
  }
  return 0;
}

/** It may be on its way up: its mailboxes are written down once its worker runs. */
async function whenServing({ config, clock, signal }: StartContext): Promise<Running | null> {
  const deadline = clock.now() + STARTS_WITHIN;
  while (clock.now() < deadline) {
    const running = readRunning(config.dataDir);
    if (running === null || running.mailboxes.length > 0) return running;
    await clock.sleep(LOOK_EVERY, signal);
  }
  return null;
}
