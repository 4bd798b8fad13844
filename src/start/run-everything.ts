import { join, relative } from 'node:path';

import { messageWithAdvice } from '../cli/advice.ts';
import { requireNoFailures } from '../cli/shortfall.ts';
import { MailboxBlockedError, MailboxNotRunningError } from '../client/errors.ts';
import { TidemarkError } from '../model/tidemark-error.ts';
import type { MailboxReport } from '../client/mailbox-report.ts';
import type { Config } from '../config/config.ts';
import { createLog } from '../host/log.ts';
import type { MailboxId } from '../model/ids.ts';
import { openStoresOf } from '../storage/open-stores.ts';
import { closeStores } from '../store/open-store.ts';
import { openWithStores, type TidemarkWithStores } from '../app/open-with-stores.ts';
import { ensureTemporalServer, type TemporalServer } from '../temporal/dev-server/index.ts';
import type { RunningStart } from '../config/running-start.ts';
import { installRuntime } from '../telemetry/runtime.ts';
import { runWorker, type RunningWorker } from '../worker.ts';
import type { StartContext } from './start-context.ts';
import { demoAddresses } from './demo-mailbox.ts';
import { openDemo, type Demo } from './demo.ts';
import { followFirstSync } from './follow-first-sync.ts';
import { clockTime, followLive } from './live-feed.ts';

/**
 * Runs the server, the worker and the mailboxes until Ctrl-C or, with `--once`, until the first sync is done.
 *
 * @returns the exit code
 */
export async function runEverything(
  context: StartContext,
  publish: (running: Omit<RunningStart, 'pid'>) => void,
): Promise<number> {
  const { options, clock, say, signal, onEnd } = context;
  const log = createLog(context.config.logLevel, join(context.config.dataDir, 'tidemark.log'));
  installRuntime(log, context.config.telemetry);
  const server = await startServer(context);

  const accounts = await connectedAccounts(context.config);
  const demo =
    accounts.length === 0 || options.mbox !== undefined || options.messages !== undefined
      ? await openDemo(context)
      : null;
  const config = demo?.config ?? context.config;
  const mailboxes = demo === null ? accounts : [demo.mailbox];

  const tidemark = await openWithStores({ config, clock });
  onEnd(() => tidemark.close());
  await stopOthers(
    tidemark,
    demoAddresses(config.dataDir).filter((address) => !mailboxes.includes(address)),
  );

  const worker = await runWorker({ config, log, clock, signal });
  onEnd(() => worker.stop());
  say(`worker     runs in this process; its log is ${shown(join(config.dataDir, 'tidemark.log'))}`);
  publish({ mailboxes: [...mailboxes], uiUrl: server.uiUrl, simulated: demo === null ? null : simulatedBy(demo) });

  const failed = lossOf(server, worker);
  return Promise.race([failed, serve({ ...context, config }, { tidemark, demo, mailboxes })]);
}

/** What commands in other terminals need to reach the simulated Gmail. */
function simulatedBy({ mailbox, config: { gmailRootUrl, googleTokenUrl, quota } }: Demo): RunningStart['simulated'] {
  return { mailbox, gmailRootUrl, googleTokenUrl, userUnitsPerMinute: quota.userUnitsPerMinute };
}

async function startServer({ config, options, clock, say, signal, onEnd }: StartContext): Promise<TemporalServer> {
  const server = await ensureTemporalServer({
    dataDir: config.dataDir,
    connection: config.temporal,
    clock,
    signal,
    log: (line) => say(`           ${line}`),
    ports: { frontend: options.port ?? 7233, ui: options.uiPort ?? 8233 },
  });
  onEnd(() => server.stop());
  say(`Temporal   ${server.address}${server.owned ? '' : ' (was running)'}`);
  if (server.uiUrl !== null) say(`its UI     ${server.uiUrl}/namespaces/${config.temporal.namespace}/workflows`);
  return server;
}

/** Mailboxes that a person connected: all that have credentials, except the simulated ones. */
async function connectedAccounts(config: Config): Promise<readonly MailboxId[]> {
  const stores = await openStoresOf(config);
  try {
    const simulated = demoAddresses(config.dataDir);
    return (await stores.credentials.list()).filter((mailbox) => !simulated.includes(mailbox));
  } finally {
    await closeStores(stores);
  }
}

/** Stops the simulated mailboxes of earlier runs. They have no Gmail behind them now and would only ask for consent. */
async function stopOthers({ client }: TidemarkWithStores, others: readonly MailboxId[]): Promise<void> {
  for (const mailbox of others) {
    await client.stop(mailbox, { patience: 0 }).catch((error: unknown) => {
      if (!(error instanceof TidemarkError)) throw error;
    });
  }
}

async function lossOf(server: TemporalServer, worker: RunningWorker): Promise<never> {
  const ended = worker.ended.then(() => new Promise<never>(() => undefined));
  throw await Promise.race([server.lost, ended]);
}

interface Served {
  readonly tidemark: TidemarkWithStores;
  readonly demo: Demo | null;
  readonly mailboxes: readonly MailboxId[];
}

async function serve(context: StartContext, served: Served): Promise<number> {
  const { options, say, signal } = context;
  const { demo, mailboxes, tidemark } = served;
  for (const mailbox of mailboxes) {
    await tidemark.client.start(mailbox, demo?.known === false ? { pollInterval: demo.pollInterval } : {});
    say(`mailbox    ${mailbox}`);
  }
  say('');
  const { reports, exitCode } = await firstSyncs(context, served);
  if (options.once === true) {
    if (exitCode === 0) for (const report of reports) requireNoFailures(report, options);
    return exitCode;
  }
  say(
    '',
    `Following live changes; Ctrl-C stops. In another terminal: npx tidemark status ${mailboxes[0] ?? 'EMAIL'}`,
    '',
  );
  const following = followChanges(context, served, reports);
  if (demo !== null && options.traffic) runTraffic(context, tidemark, demo);
  await Promise.all([
    ...following,
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
  ]);
  return exitCode;
}

/**
 * Follows the mailboxes one after the other until each is in sync. A mailbox that waits for a person, or was stopped
 * from elsewhere, does not hold up the others. It is followed once it runs again.
 */
async function firstSyncs(
  context: StartContext,
  { tidemark: { client }, mailboxes }: Served,
): Promise<{ readonly reports: readonly MailboxReport[]; readonly exitCode: number }> {
  let exitCode = 0;
  const reports: MailboxReport[] = [];
  for (const mailbox of mailboxes) {
    try {
      reports.push(await followFirstSync(context, client, mailbox));
    } catch (error) {
      if (!(error instanceof MailboxBlockedError || error instanceof MailboxNotRunningError)) throw error;
      exitCode = 1;
      context.say(messageWithAdvice(error));
      reports.push(await client.progress(mailbox));
    }
  }
  return { reports, exitCode };
}

function followChanges(
  { clock, signal, say }: StartContext,
  { tidemark: { client }, mailboxes }: Served,
  reports: readonly MailboxReport[],
): readonly Promise<void>[] {
  const named = mailboxes.length > 1;
  return reports.map(({ mailbox, changeSequence }) =>
    followLive({ client, mailbox, after: changeSequence, clock, signal, say, named }),
  );
}

/** Makes live changes in the simulated mailbox until the end. */
function runTraffic({ clock, say, onEnd }: StartContext, { client }: TidemarkWithStores, demo: Demo): void {
  const traffic = new AbortController();
  const running = demo.liveTraffic({
    signal: traffic.signal,
    onChange: (sentence) => {
      say(`${clockTime(clock.now())}  Gmail   ${sentence}`);
      // The poke replaces a real account's push notification. If it is lost, the poll finds the change.
      client.poke(demo.mailbox).catch(() => undefined);
    },
  });
  onEnd(async () => {
    traffic.abort();
    await running;
  });
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
