import type { MailboxReport } from '../client/mailbox-report.ts';
import type { Money, PricedForecast } from '../model/forecast.ts';

/** How fast a mailbox is being fetched. */
export interface Pace {
  readonly messagesPerSecond: number;
  readonly unitsPerMinute: number;
  /** Milliseconds until nothing is pending; null when unknown. */
  readonly remaining: number | null;
  /** Quota units that the pending messages cost; null when unknown. */
  readonly unitsLeft: number | null;
  /** Requests that the pending messages take if all succeed, and the price of these requests; null when unknown. */
  readonly requestsLeft: number | null;
  readonly moneyLeft: Money | null;
}

/**
 * A forecast from the quota replaces the measured pace: bursts and waits make a speed over seconds a poor measure for
 * hours.
 */
export function withForecast(pace: Pace, forecast: PricedForecast | null, now: number): Pace {
  if (forecast === null) return pace;
  const { unitsLeft, requestsLeft, moneyLeft, lastMinute, finishAt } = forecast;
  return {
    ...pace,
    unitsLeft,
    requestsLeft,
    moneyLeft,
    unitsPerMinute: lastMinute,
    remaining: finishAt === null || unitsLeft === 0 ? pace.remaining : Math.max(0, finishAt - now),
  };
}

interface Sample {
  readonly at: number;
  readonly finished: number;
  readonly units: number;
}

const UNPRICED = { unitsLeft: null, requestsLeft: null, moneyLeft: null };

/** Longer than a minute: Gmail's quota is per minute, and a mailbox may spend all of it in seconds and then wait. */
const WINDOW = 75_000;
/** Milliseconds between the samples that are kept. */
const SPACING = 1_000;

/** Measures the speed over the last minute, from samples of the store. */
export class Pacemeter {
  #samples: readonly Sample[] = [];

  add({ counts, usage }: Pick<MailboxReport, 'counts' | 'usage'>, now: number): void {
    const sample = {
      at: now,
      finished: counts.stored + counts.failed + counts.gone + counts.excluded,
      units: usage.units,
    };
    const [beforeLast, last] = this.#samples.slice(-2);
    const dense = beforeLast !== undefined && last !== undefined && last.at - beforeLast.at < SPACING;
    this.#samples = [
      ...(dense ? this.#samples.slice(0, -1) : this.#samples).filter(({ at }) => at > now - WINDOW),
      sample,
    ];
  }

  /** @param pending - messages still to fetch */
  read(pending: number): Pace {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at === first.at)
      return { messagesPerSecond: 0, unitsPerMinute: 0, remaining: pending === 0 ? 0 : null, ...UNPRICED };
    const seconds = (last.at - first.at) / 1_000;
    const messagesPerSecond = Math.max(0, last.finished - first.finished) / seconds;
    return {
      messagesPerSecond,
      unitsPerMinute: (Math.max(0, last.units - first.units) / seconds) * 60,
      remaining: pending === 0 ? 0 : messagesPerSecond === 0 ? null : (pending / messagesPerSecond) * 1_000,
      ...UNPRICED,
    };
  }
}
