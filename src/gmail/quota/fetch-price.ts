import type { Money } from '../../model/forecast.ts';
import type { GmailMethod, PriceTable } from '../../model/prices.ts';

/** What calls come to if all succeed: quota units, requests, and money in the currency of the price file. */
export interface FetchPrice {
  readonly units: number;
  readonly requests: number;
  /** 0 where requests cost nothing. */
  readonly money: number;
}

/** What a price is made of. */
export type Priced = Pick<PriceTable, 'units' | 'requestPrices'>;

/** @returns null where requests cost nothing */
export const moneyOf = ({ money }: FetchPrice, { requestPrices }: Priced): Money | null =>
  requestPrices === null ? null : { amount: money, currency: requestPrices.currency };

export const FREE: FetchPrice = { units: 0, requests: 0, money: 0 };

export function priceOfCall(method: GmailMethod, { units, requestPrices }: Priced): FetchPrice {
  return { units: units[method], requests: 1, money: (requestPrices?.per1000[method] ?? 0) / 1_000 };
}

export const times = ({ units, requests, money }: FetchPrice, count: number): FetchPrice => ({
  units: units * count,
  requests: requests * count,
  money: money * count,
});

export const sumOf = (prices: readonly FetchPrice[]): FetchPrice =>
  prices.reduce(
    (sum, { units, requests, money }) => ({
      units: sum.units + units,
      requests: sum.requests + requests,
      money: sum.money + money,
    }),
    FREE,
  );

/**
 * Whether `a` is cheaper. Money counts first, since units only decide how long the work takes. Of two prices with the
 * same money, the one with fewer units ends sooner.
 */
export const isCheaper = (a: FetchPrice, b: FetchPrice): boolean =>
  a.money === b.money ? a.units < b.units : a.money < b.money;
