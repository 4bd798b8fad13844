import type { PriceTableName } from '../src/model/prices.ts';
import { pricesOf } from '../src/simulator/method-prices.ts';
import { isSpamOrTrash } from '../src/simulator/truth.ts';
import type { UseSummary } from '../src/simulator/usage.ts';
import type { QuotaEnforcement } from '../src/simulator/quota-enforcement.ts';
import { requireExact, type Bench } from './figure.ts';
import { VirtualGmail, type VirtualMailbox } from './virtual-gmail.ts';

const EMAIL = 'ada@example.com';

export interface InitialSync {
  readonly messages: number;
  /** Virtual seconds from the start to in-sync. */
  readonly seconds: number;
  readonly use: UseSummary;
  /** The sum over threads of min(price of messages.get × messages, price of threads.get): no plan can cost less. */
  readonly least: number;
  readonly differences: readonly string[];
}

export interface InitialSyncOptions {
  readonly messages: number;
  readonly prices?: PriceTableName;
  readonly quota?: QuotaEnforcement;
  readonly latencyMs?: number;
}

/** Synchronises a generated mailbox, threads averaging 3, under the clock. */
export async function initialSync({ messages, prices = '2026', ...options }: InitialSyncOptions): Promise<InitialSync> {
  const world = await VirtualGmail.open({ prices, ...options });
  const mailbox = await world.addMailbox(EMAIL, { messages, threadSize: 3, bodyBytes: 600 });
  const begun = world.clock.now();
  mailbox.start();
  const seconds = ((await world.clock.run(() => mailbox.until(() => mailbox.inSync))) - begun) / 1_000;
  const { use } = mailbox;
  const differences = await mailbox.differences();
  await world.close();
  return { messages: messagesIn(mailbox), seconds, use, least: leastUnits(mailbox, prices), differences };
}

const messagesIn = ({ gmail }: VirtualMailbox): number =>
  [...gmail.all()].filter((message) => !isSpamOrTrash(message.current.labelIds)).length;

function leastUnits({ gmail }: VirtualMailbox, prices: PriceTableName): number {
  const { units } = pricesOf(prices);
  const sizes = new Map<string, number>();
  for (const { threadId, current } of gmail.all())
    if (!isSpamOrTrash(current.labelIds)) sizes.set(threadId, (sizes.get(threadId) ?? 0) + 1);
  return [...sizes.values()].reduce(
    (sum, size) => sum + Math.min(size * units['messages.get'], units['threads.get']),
    0,
  );
}

export const initialSyncUnits: Bench = {
  name: 'units',
  about: 'units per message of an initial sync, listings included',
  async run() {
    const figures = [];
    for (const prices of ['2026', '2025'] as const) {
      const { messages, use, least, differences } = await initialSync({ messages: 20_000, prices });
      requireExact(differences, `initial sync at the prices of ${prices}`);
      figures.push({
        name: `units per message, initial sync, prices ${prices}`,
        value: use.units / messages,
        unit: 'units',
        bound: { is: 'at most', value: (1.01 * least) / messages },
        note: `${messages} messages, ${use.units} units, ${least} at least: ${(100 * (use.units / least - 1)).toFixed(2)}% over`,
      } as const);
    }
    return figures;
  },
};

/**
 * The fewest seconds in which `units` can be spent: units beyond k grants cannot start before k windows have passed.
 * The clock starts at the beginning of a minute.
 */
function shortest(units: number, window: QuotaEnforcement['window'], grant: number): number {
  return window === 'ten-seconds' ? Math.floor((units - 1) / (grant / 6)) * 10 : Math.floor((units - 1) / grant) * 60;
}

const GRANT = 60_000;
/** Time runs ten times as fast as at the real rate: 20 ms are what 200 ms are there. */
const LATENCY = 20;
const QUICK = { cap: undefined, latencyMs: LATENCY };
const CAPPED = { cap: 10, latencyMs: LATENCY };
/** At the real rate, this is one second per answer. */
const SLOW = { cap: undefined, latencyMs: 5 * LATENCY };
/** Enough for several minutes' grants with either price table; a get costs a quarter in 2025's. */
const MESSAGES = { '2026': 20_000, '2025': 60_000 } as const;
const WINDOWS = ['sliding-minute', 'fixed-minute', 'ten-seconds'] as const;

export const backfillAtQuota: Bench = {
  name: 'quota',
  about: 'wall time and refused calls of a backfill that the quota bounds',
  async run() {
    const figures = [];
    for (const prices of ['2026', '2025'] as const) {
      // A hidden cap of calls in flight, and slow answers, are tried with one price table: they do not look at prices.
      for (const { cap, latencyMs } of prices === '2025' ? [QUICK] : [QUICK, CAPPED, SLOW]) {
        for (const window of WINDOWS) {
          if (latencyMs === SLOW.latencyMs && window !== 'ten-seconds') continue;
          const quota = { window, userUnitsPerMinute: GRANT, concurrentRequests: cap };
          const { seconds, use, differences } = await initialSync({
            messages: MESSAGES[prices],
            prices,
            quota,
            latencyMs,
          });
          const what = `${window}, prices ${prices}${cap === undefined ? '' : ', cap 10'}${latencyMs === LATENCY ? '' : `, ${latencyMs} ms`}`;
          requireExact(differences, what);
          const note = `${use.units} units; at best ${shortest(use.units, window, GRANT)} s`;
          figures.push({
            name: `backfill, ${what}`,
            value: seconds,
            unit: 's',
            bound: { is: 'at most', value: (1.02 * use.units * 60) / GRANT },
            note,
          } as const);
          if (window === 'sliding-minute' && cap === undefined) {
            const bound = (1.02 * (use.units - GRANT) * 60) / GRANT + 2;
            // The promise lies below what any client can reach: beyond k grants nothing starts before k minutes. Both
            // are shown.
            const reachable = shortest(use.units, window, GRANT);
            figures.push({
              name: `  the same, less a minute's grant`,
              value: seconds,
              unit: 's',
              bound: { is: 'at most', value: bound },
              note: bound < reachable ? `no client can: ${reachable} s is the least` : note,
            } as const);
            figures.push({
              name: `  over the least that can be reached`,
              value: 100 * (seconds / reachable - 1),
              unit: '%',
              bound: null,
              note: `${reachable} s`,
            } as const);
          }
          figures.push({
            name: `  rejected calls`,
            value: (100 * use.rejected) / (use.calls + use.rejected),
            unit: '%',
            bound: { is: 'at most', value: cap === undefined && window !== 'ten-seconds' ? 0.1 : 1 },
            note: `${use.rejected} of ${use.calls + use.rejected}; at most ${use.peakUnitsPerMinute} units in a minute`,
          } as const);
        }
      }
    }
    return figures;
  },
};
