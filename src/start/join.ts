import { mailboxId, type MailboxId } from '../model/ids.ts';
import { openWithStores } from '../app/open-with-stores.ts';
import { requireNoFailures } from '../cli/shortfall.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import { readRunningStart, type RunningStart } from '../config/running-start.ts';
import type { StartContext } from './start-context.ts';
import { demoAddressOf } from './demo-mailbox.ts';
import { followFirstSync } from './follow-first-sync.ts';
import { followLive } from './live-feed.ts';

const LOOK_EVERY = 500;
const STARTS_WITHIN = 120_000;

/** Follows an `npm start` that is already running: shows what it does, and ends when it ends. */
export async function join(context: StartContext, pid: number): Promise<number> {
  const { say } = context;
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
  const tidemark = await openWithStores({ config: context.config, clock: context.clock });
  context.onEnd(() => tidemark.close());
  warnOfOtherMail(context, running, pid);
  await followWhileRunning(context, tidemark.client, running, pid);
  return 0;
}

/** `--messages` and `--mbox` choose a simulated mailbox, which the other process may not serve. */
function warnOfOtherMail({ options, say }: StartContext, { mailboxes }: RunningStart, pid: number): void {
  const { messages, mbox } = options;
  const isNamed = messages !== undefined || mbox !== undefined;
  if (isNamed && !mailboxes.map(mailboxId).includes(demoAddressOf({ messages, mbox })))
    say(
      `It serves ${mailboxes.join(', ')}: --messages and --mbox change nothing here. To use them, ` +
        `stop it first (Ctrl-C in its terminal, or: kill ${pid}).`,
    );
}

/** Follows the mailboxes until the other process ends, Ctrl-C or, with `--once`, the end of the first sync. */
async function followWhileRunning(
  context: StartContext,
  client: TidemarkClient,
  running: RunningStart,
  pid: number,
): Promise<void> {
  const { config, clock, say, signal } = context;
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const watching = (async () => {
    while (!either.aborted && readRunningStart(config.dataDir)?.pid === running.pid)
      await clock.sleep(LOOK_EVERY, either).catch(() => undefined);
    ended.abort();
  })();
  try {
    await followMailboxes({ ...context, signal: either }, client, running.mailboxes.map(mailboxId));
  } catch (error) {
    if (!either.aborted) throw error;
  } finally {
    const gone = ended.signal.aborted && !signal.aborted;
    ended.abort();
    await watching;
    if (gone) say(`npm start (process ${pid}) has ended, and this one with it. Start again: npm start`);
    else if (signal.aborted) say(`This one has ended. npm start (process ${pid}) still runs, and goes on following.`);
  }
}

async function followMailboxes(
  context: StartContext,
  client: TidemarkClient,
  mailboxes: readonly MailboxId[],
): Promise<void> {
  const { options, clock, say, signal } = context;
  const named = mailboxes.length > 1;
  const following: Promise<void>[] = [];
  for (const mailbox of mailboxes) {
    const report = await followFirstSync(context, client, mailbox);
    if (options.once === true) requireNoFailures(report, options);
    else following.push(followLive({ client, mailbox, after: report.changeSequence, clock, signal, say, named }));
  }
  await Promise.all(following);
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
