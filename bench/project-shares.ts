import { loadConfig } from '../src/config/config.ts';
import { connectMailbox } from '../src/accounts/connect-mailbox.ts';
import { mailboxId } from '../src/model/ids.ts';
import { openWithStores } from '../src/app/open-with-stores.ts';
import { generateMail } from '../src/simulator/generate.ts';
import { startSimulatorServer } from '../src/simulator/server.ts';
import { Simulator } from '../src/simulator/simulator.ts';
import { systemClock } from '../src/host/system-clock.ts';
import { startServerIn } from './dev-server.ts';
import { InvalidRunError, type Bench } from '../test/fixtures/measured/figure.ts';
import { load, startWorker } from './bench-processes.ts';
import { inFolder } from './in-folder.ts';

const MINUTE = 60_000;
/**
 * Ten times a user's real rate, so that minutes show what would take an hour. It is the limit of each user, and of the
 * project that both users share.
 */
const ALLOWANCE = 60_000;
const MINUTES = 4;
const MAILBOXES = ['ada@example.com', 'bob@example.com'].map(mailboxId);
/** More messages than half of the project's units can fetch in this time, at about 11 units a message. */
const MESSAGES = (MINUTES * ALLOWANCE) / 11;

export interface Shares {
  readonly units: readonly number[];
  readonly rejected: number;
  readonly calls: number;
  /** The most units of the project in any minute. */
  readonly peak: number;
}

/**
 * Runs a Temporal server and a worker in separate processes. The simulator in this process enforces the limits of each
 * user and of the project.
 */
async function share(): Promise<Shares> {
  return inFolder(async (folder, ends) => {
    const quota = {
      window: 'sliding-minute',
      userUnitsPerMinute: ALLOWANCE,
      projectUnitsPerMinute: ALLOWANCE,
    } as const;
    const simulator = new Simulator({ clock: systemClock, latencyMs: 20, quota });
    for (const email of MAILBOXES)
      generateMail(simulator.addMailbox(email), {
        messages: MESSAGES,
        threadSize: 3,
        bodyBytes: 600,
        now: systemClock.now(),
      });
    const gmail = await startSimulatorServer({ simulator, port: 0 });
    ends.push(() => gmail.close());
    const server = await startServerIn(folder);
    ends.push(() => server.stop());
    const env = {
      TIDEMARK_DATA_DIR: folder,
      TEMPORAL_ADDRESS: server.address,
      GMAIL_ROOT_URL: gmail.url,
      GOOGLE_TOKEN_URL: `${gmail.url}/token`,
      GMAIL_USER_UNITS_PER_MINUTE: String(ALLOWANCE),
      GMAIL_PROJECT_UNITS_PER_MINUTE: String(ALLOWANCE),
      LOG_LEVEL: 'warn',
    };
    const config = loadConfig({ env });
    const tidemark = await openWithStores({ config });
    ends.push(() => tidemark.close());
    for (const mailbox of MAILBOXES) {
      const text = JSON.stringify(simulator.credentialsFor(mailbox));
      await connectMailbox({ config, stores: tidemark, mailbox, clock: systemClock, text, verify: true });
      await tidemark.client.start(mailbox);
    }
    const worker = startWorker(folder, { env }, ends);
    const uses = () => MAILBOXES.map((mailbox) => simulator.usage.of(mailbox));
    while (uses().some(({ units }) => units < 100)) await systemClock.sleep(100);
    await systemClock.sleep(MINUTES * MINUTE);
    if (worker.exitCode !== null) throw new InvalidRunError('the worker ended');
    for (const mailbox of MAILBOXES) {
      if ((await tidemark.client.progress(mailbox)).counts.pending === 0)
        throw new InvalidRunError(`${mailbox} was complete before the time was over`);
    }
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    return {
      units: uses().map(({ units }) => units),
      rejected: sum(uses().map((use) => use.rejected)),
      calls: sum(uses().map((use) => use.calls)),
      peak: simulator.usage.project.summary().peakUnitsPerMinute,
    };
  });
}

export const projectShares: Bench = {
  name: 'project',
  about: 'two mailboxes under one project limit, on a real Temporal server',
  async run() {
    const { units, rejected, calls, peak } = await share();
    const total = units.reduce((sum, value) => sum + value, 0);
    const note =
      `${units.join(' and ')} units in ${MINUTES} minutes, ${rejected} of ${calls + rejected} calls rejected, ` +
      `at most ${peak} units in a minute; ${load()}`;
    return [
      {
        name: 'two mailboxes, one project limit: the smaller share',
        value: (100 * Math.min(...units)) / total,
        unit: '%',
        bound: { is: 'at least', value: 45 },
        note,
      },
      { name: '  what both use of the project', value: (100 * total) / (MINUTES * ALLOWANCE), unit: '%', bound: null },
      { name: '  rejected calls', value: (100 * rejected) / (calls + rejected), unit: '%', bound: null },
    ];
  },
};
