import type { Clock } from './clock.ts';

/** The methods of the Gmail API that Tidemark calls, by the names that Google's quota page uses. */
export const GMAIL_METHODS = [
  'messages.get',
  'messages.attachments.get',
  'threads.get',
  'messages.list',
  'history.list',
  'getProfile',
  'labels.list',
  'labels.get',
  'watch',
  'stop',
] as const;

export type GmailMethod = (typeof GMAIL_METHODS)[number];

/** What calls to Gmail cost. */
export interface PriceTable {
  /** Units a call costs. The price is the method's, whatever the format or `fields`. */
  readonly units: Readonly<Record<GmailMethod, number>>;
  /** The units that a user may spend in a minute. */
  readonly userUnitsPerMinute: number;
  /** The units that the project may spend in a minute. */
  readonly projectUnitsPerMinute: number;
  /** The units that the project may spend in a Pacific day; null when only minutes are limited. */
  readonly projectUnitsPerDay: number | null;
  /** null where requests cost no money: in the Standard tier, and under the internal-use exception. */
  readonly requestPrices: RequestPrices | null;
}

/** What successful requests cost in money, in the Scaled tier. */
export interface RequestPrices {
  /** As it is printed, for example `USD`. */
  readonly currency: string;
  /** The price of a thousand successful requests of a method. A method that is not named costs nothing. */
  readonly per1000: Readonly<Partial<Record<GmailMethod, number>>>;
}

/**
 * Units and limits. `2026` is Google's Standard tier: it is never billed, and calls over its limits are rejected.
 * Projects active between November 2025 and April 2026 keep `2025` until {@link END_OF_2025}, and are then Standard
 * unless they enrol in the Scaled tier.
 *
 * Source: https://developers.google.com/workspace/gmail/api/guides/quotas
 */
export const PRICE_TABLES = {
  '2026': {
    units: {
      'messages.get': 20,
      'messages.attachments.get': 20,
      'threads.get': 40,
      'messages.list': 5,
      'history.list': 2,
      getProfile: 1,
      'labels.list': 1,
      'labels.get': 1,
      watch: 100,
      stop: 50,
    },
    userUnitsPerMinute: 6_000,
    projectUnitsPerMinute: 1_200_000,
    projectUnitsPerDay: 80_000_000,
    requestPrices: null,
  },
  '2025': {
    units: {
      'messages.get': 5,
      'messages.attachments.get': 5,
      'threads.get': 10,
      'messages.list': 5,
      'history.list': 2,
      getProfile: 1,
      'labels.list': 1,
      'labels.get': 1,
      watch: 100,
      stop: 50,
    },
    userUnitsPerMinute: 15_000,
    projectUnitsPerMinute: 1_200_000,
    projectUnitsPerDay: null,
    requestPrices: null,
  },
} as const satisfies Record<string, PriceTable>;

/** One of the price tables that Tidemark knows. */
export type PriceTableName = keyof typeof PRICE_TABLES;

/**
 * When Google ends the limits of `2025`, and begins to bill the Scaled tier: 2027-04-01, at midnight in Pacific time
 * (epoch ms).
 */
export const END_OF_2025 = Date.UTC(2027, 3, 1, 7);

/** Prices that change while a worker runs: each figure is the one that holds when it is read. */
export function pricesOverTime(
  before: PriceTable,
  { at, prices }: { readonly at: number; readonly prices: PriceTable },
  clock: Pick<Clock, 'now'>,
): PriceTable {
  const now = (): PriceTable => (clock.now() < at ? before : prices);
  return {
    get units() {
      return now().units;
    },
    get userUnitsPerMinute() {
      return now().userUnitsPerMinute;
    },
    get projectUnitsPerMinute() {
      return now().projectUnitsPerMinute;
    },
    get projectUnitsPerDay() {
      return now().projectUnitsPerDay;
    },
    get requestPrices() {
      return now().requestPrices;
    },
  };
}
