/** What a mailbox's backfill has left, priced by the fetch plan, and when the quota will have let it through. */
export interface Forecast {
  /** Units that fetching everything pending costs. */
  readonly unitsLeft: number;
  /** Units a minute that it is granted now: of the user's limit, share and what Gmail turned out to leave, or of the project's. */
  readonly unitsPerMinute: number;
  /** Units that the mailbox spent in the last minute, both lanes. */
  readonly lastMinute: number;
  /** Epoch ms when nothing is pending; null while ids are still listed, and where no quota is the limit. */
  readonly finishAt: number | null;
}
