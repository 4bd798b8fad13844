import { mailboxId } from '../model/ids.ts';
import { openTidemark } from '../app/open-tidemark.ts';
import { followUntilInSync } from '../cli/progress.ts';
import { requireNoFailures, shortfallLines } from '../cli/shortfall.ts';
import { readRunningStart, type RunningStart } from '../config/running-start.ts';
import type { StartContext } from './start-context.ts';
import { addressOf } from './demo-mailbox.ts';
import { inSyncLine } from './in-sync-line.ts';
import { followLive } from './live-feed.ts';
import { summaryLines } from './summary.ts';

const LOOK_EVERY = 500;
const STARTS_WITHIN = 120_000;

/** Follows an `npm start` that is already running: shows what it does, and ends when it ends. */
export async function join(context: StartContext, pid: number): Promise<number> {
  const { config, options, clock, out, say, signal, onEnd } = context;
  say(`npm start runs already here, as process ${pid}: joining it.`);
  const running = await whenServing(context);
  if (running === 'ended' || running === 'starting') {
    say(
      running === 'ended'
        ? 'It ended before it was up. Start again: npm start'
        : `It is still starting. What it waits for is in its own terminal; to end it: kill ${pid}`,
    );
    return 1;
  }
  if (running.uiUrl !== null) say(`Temporal's UI  ${running.uiUrl}`);
  const tidemark = await openTidemark({ config, clock });
  onEnd(() => tidemark.close());
  const { client } = tidemark;
  const mailboxes = running.mailboxes.map(mailboxId);
  const { messages, mbox } = options;
  const isOther = (messages !== undefined || mbox !== undefined) && !mailboxes.includes(addressOf({ messages, mbox }));
  if (isOther)
    say(
      `It serves ${mailboxes.join(', ')}: --messages and --mbox change nothing here. To use them, stop it first (Ctrl-C in its terminal, or: kill ${pid}).`,
    );
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const watching = (async () => {
    while (!either.aborted && readRunningStart(config.dataDir)?.pid === running.pid)
      await clock.sleep(LOOK_EVERY, either).catch(() => undefined);
    ended.abort();
  })();
  try {
    const following: Promise<void>[] = [];
    for (const mailbox of mailboxes) {
      const startedAt = clock.now();
      const report = await followUntilInSync({ client, mailbox, out, config, clock, signal: either });
      say(inSyncLine(report, clock.now()), ...shortfallLines(report, clock.now()));
      if (options.once === true) {
        say('', ...summaryLines(report, { elapsed: clock.now() - startedAt, database: config.database.location }));
        requireNoFailures(report, options);
      } else
        following.push(
          followLive({
            client,
            mailbox,
            after: report.changeSequence,
            clock,
            signal: either,
            say,
            named: mailboxes.length > 1,
          }),
        );
    }
    await Promise.all(following);
  } catch (error) {
    if (!either.aborted) throw error;
  } finally {
    const gone = ended.signal.aborted && !signal.aborted;
    ended.abort();
    await watching;
    if (gone) say(`npm start (process ${pid}) has ended, and this one with it. Start again: npm start`);
    else if (signal.aborted) say(`This one has ended. npm start (process ${pid}) still runs, and goes on following.`);
  }
  return 0;
}

/** Waits for the other `npm start`, which may still be starting: it publishes its mailboxes once its worker runs. */
async function whenServing({ config, clock, signal }: StartContext): Promise<RunningStart | 'ended' | 'starting'> {
  const deadline = clock.now() + STARTS_WITHIN;
  while (clock.now() < deadline) {
    const running = readRunningStart(config.dataDir);
    if (running === null) return 'ended';
    if (running.mailboxes.length > 0) return running;
    await clock.sleep(LOOK_EVERY, signal);
  }
  return 'starting';
}
