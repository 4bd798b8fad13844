import { spawn } from 'node:child_process';
import { loadConfig } from '../src/config/config.ts';
import { connectMailbox } from '../src/accounts/connect-mailbox.ts';
import { openWithStores } from '../src/app/open-with-stores.ts';
import { systemClock as clock } from '../src/host/system-clock.ts';
import { mailboxId } from '../src/model/ids.ts';
import type { QuotaEnforcement } from '../src/simulator/quota-enforcement.ts';
import type { UsageReport } from '../src/simulator/usage.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { load, SimulatorProcess, startWorker } from './bench-processes.ts';
import { startServerIn } from './dev-server.ts';
import { inFolder, type Ends } from './in-folder.ts';
import { startLateArrivals } from './late-arrivals.ts';
import { until } from './mailboxes-in-sync.ts';

const EMAIL = mailboxId('ada@example.com');
/** Ten times a user's real rate, so that minutes show what would take half an hour. */
const ALLOWANCE = 60_000;
/** At about 11 units a message, somewhat more than three minutes' allowances. */
const MESSAGES = 17_000;
/** Ms by which a call arrives later than it is sent, at most. */
const LATEST = 300;
const CORES = 2;

type Enforced = Exclude<QuotaEnforcement['window'], 'fixed-minute'>;

/** What Gmail may count, and how long a backfill may take where the shortest time for any client is `least` seconds. */
const WINDOWS: readonly {
  readonly window: Enforced;
  readonly span: number;
  readonly most: (least: number) => number;
}[] = [
  { window: 'first-request-minute', span: 60, most: (least) => 1.02 * least + 2 },
  { window: 'sliding-minute', span: 60, most: (least) => 1.02 * least + 2 },
  { window: 'ten-seconds', span: 10, most: (least) => 1.06 * least },
];

interface Backfill {
  readonly seconds: number;
  /** The shortest time in seconds for any client: beyond k allowances, nothing starts before k windows. */
  readonly least: number;
  readonly calls: number;
  readonly rejected: number;
  readonly load: string;
}

/** Backfills one mailbox in real processes, with both cores busy and calls that arrive late. */
async function backfillUnder({ window, span }: (typeof WINDOWS)[number]): Promise<Backfill> {
  return inFolder(async (folder, ends) => {
    const simulator = await SimulatorProcess.start(EMAIL, { messages: MESSAGES, bodyBytes: 600, threadSize: 3 });
    ends.push(() => simulator.stop());
    await simulator.command('quota', { window, userUnitsPerMinute: ALLOWANCE });
    const gmail = await startLateArrivals({ to: simulator.url, latest: LATEST }, ends);
    const temporal = await startServerIn(folder);
    ends.push(() => temporal.stop());
    const env = {
      TIDEMARK_DATA_DIR: folder,
      TEMPORAL_ADDRESS: temporal.address,
      GMAIL_ROOT_URL: gmail,
      GOOGLE_TOKEN_URL: `${gmail}/token`,
      GMAIL_USER_UNITS_PER_MINUTE: String(ALLOWANCE),
      GMAIL_PROJECT_UNITS_PER_MINUTE: String(100 * ALLOWANCE),
      LOG_LEVEL: 'warn',
    };
    const config = loadConfig({ env });
    const tidemark = await openWithStores({ config });
    ends.push(() => tidemark.close());
    const text = JSON.stringify(await simulator.report<object>(`credentials?email=${EMAIL}`));
    await connectMailbox({ config, stores: tidemark, mailbox: EMAIL, clock, text, verify: false });
    startWorker(folder, { env }, ends);
    keepCoresBusy(ends);
    await simulator.command('usage/reset');
    await tidemark.client.start(EMAIL);
    const read = async () => (await simulator.report<UsageReport>('usage')).users[EMAIL];
    while (((await read())?.calls ?? 0) === 0) await clock.sleep(20);
    const startedAt = clock.now();
    const isDone = async () => (await tidemark.store.getMailbox(EMAIL))?.fullSync?.step === 'done';
    await until(isDone, 'not in sync after 15 minutes', { within: 15 * 60_000 });
    const seconds = (clock.now() - startedAt) / 1_000;
    const use = await read();
    if (use === undefined) throw new InvalidRunError('no call was counted');
    const { counts } = await tidemark.client.progress(EMAIL);
    if (counts.stored !== MESSAGES) throw new InvalidRunError(`not everything was stored: ${JSON.stringify(counts)}`);
    const least = Math.floor(use.units / ((ALLOWANCE * span) / 60)) * span;
    return { seconds, least, calls: use.calls, rejected: use.rejected, load: load() };
  });
}

function keepCoresBusy(ends: Ends): void {
  for (let core = 0; core < CORES; core++) {
    const busy = spawn(process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore' });
    ends.push(() => void busy.kill());
  }
}

export const pace: Bench = {
  name: 'pace',
  about: 'backfills at an enforced quota, in real processes, with late calls and busy cores',
  async run() {
    const figures: Figure[] = [];
    for (const enforced of WINDOWS) {
      const { seconds, least, calls, rejected, load: busy } = await backfillUnder(enforced);
      figures.push(
        {
          name: `a backfill at the quota (${enforced.window})`,
          value: seconds,
          unit: 's',
          bound: { is: 'at most', value: enforced.most(least) },
          note: `least ${least} s: ${(seconds / least).toFixed(3)} times; calls up to ${LATEST} ms late, ${busy}`,
        },
        {
          name: '  rejected calls',
          value: (100 * rejected) / (calls + rejected),
          unit: '%',
          bound: { is: 'at most', value: 0.2 },
          note: `${rejected} of ${calls + rejected}`,
        },
      );
    }
    return figures;
  },
};
