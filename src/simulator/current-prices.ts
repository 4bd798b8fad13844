import { pricesOf, type Prices } from './method-prices.ts';
import type { PriceTable, PriceTableName } from '../model/prices.ts';

/** The prices and limits that apply now, and those that were announced for later. */
export class CurrentPrices {
  #prices: Prices;
  #next: { readonly at: number; readonly prices: Prices } | null = null;

  constructor(table: PriceTableName | PriceTable) {
    this.#prices = pricesOf(table);
  }

  /** @param at - epoch ms; a new announcement replaces an earlier one that has not taken effect */
  change(table: PriceTableName | PriceTable, at: number): void {
    this.#next = { at, prices: pricesOf(table) };
  }

  at(now: number): Prices {
    if (this.#next !== null && now >= this.#next.at) {
      this.#prices = this.#next.prices;
      this.#next = null;
    }
    return this.#prices;
  }
}
