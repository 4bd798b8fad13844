import type { Clock } from '../model/clock.ts';
import type { PriceTable } from '../model/prices.ts';
import { sliceUnits, smallSliceUnits } from './slice-rate.ts';

const MINUTE = 60_000;
/** A slice of full size keeps at least this part of its units, whatever small slices spend. */
const LEAST_PART = 1 / 3;

/**
 * The units of one worker's slices.
 *
 * Each of the two queues has a rate of its own, and both at full rate would exceed the project's quota. So what this
 * worker's small slices spent in the last minute is taken off the slices of full size that began in that minute. All
 * workers take from both queues alike, so each makes up for its own part.
 */
export class SliceBudgets {
  /** Times at which slices of full size began. */
  #begun: readonly number[] = [];
  #small: readonly { readonly at: number; readonly units: number }[] = [];

  /** The units of a slice that begins now. */
  begin({ isSmall, prices, clock }: { isSmall: boolean; prices: PriceTable; clock: Clock }): number {
    if (isSmall) return smallSliceUnits(prices);
    const now = clock.now();
    this.#begun = [...this.#begun.filter((at) => isRecent(at, now)), now];
    this.#small = this.#small.filter(({ at }) => isRecent(at, now));
    const spent = this.#small.reduce((sum, { units }) => sum + units, 0);
    const units = sliceUnits(prices);
    return Math.max(1, Math.floor(Math.max(units * LEAST_PART, units - spent / this.#begun.length)));
  }

  smallEnded(units: number, { clock }: { clock: Clock }): void {
    const now = clock.now();
    this.#small = [...this.#small.filter(({ at }) => isRecent(at, now)), { at: now, units }];
  }
}

/** A time to come is not recent: the clock was set back. */
const isRecent = (at: number, now: number): boolean => at <= now && now - at < MINUTE;
