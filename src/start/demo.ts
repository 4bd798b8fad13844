import { counted, count } from '../cli/words.ts';
import { changedConfig, type Config } from '../config/config.ts';
import { connectMailbox } from '../accounts/connect-mailbox.ts';
import type { MailboxId } from '../model/ids.ts';
import { openStoresOf } from '../storage/open-stores.ts';
import { priceTableOf } from '../config/quota-variables.ts';
import { closeStores } from '../store/open-store.ts';
import { openLastingSimulator, type LastingSimulator } from '../simulator/open.ts';
import { freePort } from '../temporal/dev-server/index.ts';
import type { StartContext } from './start-context.ts';
import { chooseDemoMailbox } from './demo-mailbox.ts';

/** A simulated Gmail with one mailbox, connected. */
export interface Demo {
  readonly mailbox: MailboxId;
  /** The configuration with Gmail and its quota replaced by the simulator's. */
  readonly config: Config;
  /** True when an earlier run created the mailbox. */
  readonly known: boolean;
  readonly pollInterval: number;
  readonly liveTraffic: LastingSimulator['liveTraffic'];
}

/**
 * At Gmail's own 6,000 units a minute, the first sync of the generated mailbox would take minutes. That is too long for
 * a demo.
 */
const UNITS_PER_MINUTE = 60_000;
const CHANGE_EVERY = 4_000;
const POLL_INTERVAL = 30_000;

export async function openDemo({ config, options, clock, say, onEnd }: StartContext): Promise<Demo> {
  const chosen = chooseDemoMailbox(config.dataDir, options);
  const userUnitsPerMinute = process.env['GMAIL_USER_UNITS_PER_MINUTE']
    ? config.quota.userUnitsPerMinute
    : UNITS_PER_MINUTE;
  const quota = { ...config.quota, userUnitsPerMinute, next: null };
  const simulator = await openLastingSimulator({
    journal: chosen.journal,
    begin: { email: chosen.email, messages: chosen.messages, mbox: chosen.mbox },
    // The simulator itself takes any free port for 0, so nothing else can take it first.
    port: options.simulatorPort === 0 ? 0 : await freePort(options.simulatorPort),
    clock,
    prices: priceTableOf(config, clock),
    quota: { window: 'sliding-minute', userUnitsPerMinute, projectUnitsPerMinute: quota.projectUnitsPerMinute },
    everyMs: CHANGE_EVERY,
  });
  onEnd(() => simulator.close());
  const [served] = simulator.mailboxes;
  if (served === undefined) throw new Error('the simulator has no mailbox');
  const what = simulator.beginning.mbox === null ? 'generated mail' : `mail of ${simulator.beginning.mbox}`;
  say(`Gmail      simulated, at ${simulator.url}: ${counted(served.messages, 'message')} (${what})`);
  const own = config.quota.userUnitsPerMinute;
  const reason = userUnitsPerMinute > own ? `, so that you need not wait; Gmail's own is ${count(own)}` : '';
  say(`           its quota is ${count(userUnitsPerMinute)} units a minute${reason}`);

  const changed = changedConfig(config, {
    gmailRootUrl: simulator.url,
    googleTokenUrl: `${simulator.url}/token`,
    quota,
  });
  const stores = await openStoresOf(changed);
  try {
    await connectMailbox({
      config: changed,
      stores,
      mailbox: chosen.email,
      clock,
      text: JSON.stringify(served.credentials),
      verify: true,
    });
  } finally {
    await closeStores(stores);
  }
  return {
    mailbox: chosen.email,
    config: changed,
    known: chosen.known,
    pollInterval: POLL_INTERVAL,
    liveTraffic: (traffic) => simulator.liveTraffic(traffic),
  };
}
