/** How many quota units a mailbox's backfill still needs, and when the quota will have granted them. */
export interface Forecast {
  /** Units that it costs to fetch everything pending, priced by the fetch plan. */
  readonly unitsLeft: number;
  /**
   * Units a minute that the backfill is granted now: the smaller of the user's (limit, configured share, and what Gmail
   * has turned out to leave) and the project's.
   */
  readonly unitsPerMinute: number;
  /** Units that the mailbox spent in the last minute, both lanes. */
  readonly lastMinute: number;
  /** Epoch ms when nothing is pending; null while ids are still listed, and where no quota is the limit. */
  readonly finishAt: number | null;
}

/** A forecast that also says what the rest comes to for Google's Scaled tier. */
export interface PricedForecast extends Forecast {
  /** Requests that it takes to fetch everything pending, if all succeed. */
  readonly requestsLeft: number;
  /** What they cost; null where requests cost nothing. A daily free allowance is not deducted. */
  readonly moneyLeft: Money | null;
}

/** An amount of money. */
export interface Money {
  /** In whole units of the currency. */
  readonly amount: number;
  /** As the price file names it. */
  readonly currency: string;
}
