import { ApiError, tooManyConcurrent } from './api-error.ts';
import type { CurrentPrices } from './current-prices.ts';
import type { Random } from './random.ts';
import type { Tally, UsageMeter } from './usage.ts';

/** How strictly the limits in https://developers.google.com/workspace/gmail/api/guides/quotas are enforced. */
export interface QuotaEnforcement {
  /**
   * How a minute is measured: from its first request on, as Google's page says since November 2026; any 60 seconds; a
   * minute of the clock; or a sixth of the limit in any ten seconds. `off` counts without enforcing.
   *
   * @see https://developers.google.com/workspace/guides/quota-overview
   */
  readonly window: 'first-request-minute' | 'sliding-minute' | 'fixed-minute' | 'ten-seconds' | 'off';
  /** The price table's limit when not given. */
  readonly userUnitsPerMinute?: number | undefined;
  /** The price table's limit when not given. */
  readonly projectUnitsPerMinute?: number | undefined;
  /** Gmail's undocumented limit on one user's calls in flight; no limit when not given. */
  readonly concurrentRequests?: number | undefined;
}

/** Admits or refuses calls. Only admitted calls count against a limit. */
export class Quota {
  enforcement: QuotaEnforcement;
  readonly #prices: CurrentPrices;
  readonly #random: Random;
  readonly #minutes = new Map<Tally, { readonly end: number; units: number }>();

  constructor(enforcement: QuotaEnforcement, prices: CurrentPrices, random: Random) {
    this.enforcement = enforcement;
    this.#prices = prices;
    this.#random = random;
  }

  /** @throws {ApiError} 429 or 403 when `units` more would exceed a limit, or there are too many calls in flight */
  check(usage: UsageMeter, email: string, units: number, now: number): void {
    const user = usage.user(email);
    const { concurrentRequests: cap, userUnitsPerMinute, projectUnitsPerMinute } = this.enforcement;
    const prices = this.#prices.at(now);
    if (cap !== undefined && user.inFlight > cap) throw tooManyConcurrent();
    if (this.#used(user, now) + units > this.#limit(userUnitsPerMinute ?? prices.userUnitsPerMinute))
      throw this.#userRefusal();
    if (this.#used(usage.project, now) + units > this.#limit(projectUnitsPerMinute ?? prices.projectUnitsPerMinute)) {
      throw new ApiError(403, 'rateLimitExceeded', quotaText('Units per minute'));
    }
    this.#note(user, units, now);
    this.#note(usage.project, units, now);
  }

  #used(tally: Tally, now: number): number {
    switch (this.enforcement.window) {
      case 'off':
        return Number.NEGATIVE_INFINITY;
      case 'sliding-minute':
        return tally.minute.at(now);
      case 'ten-seconds':
        return tally.tenSeconds.at(now);
      case 'first-request-minute':
      case 'fixed-minute': {
        const minute = this.#minutes.get(tally);
        return minute !== undefined && now < minute.end ? minute.units : 0;
      }
    }
  }

  #limit(perMinute: number): number {
    return this.enforcement.window === 'ten-seconds' ? perMinute / 6 : perMinute;
  }

  #note(tally: Tally, units: number, now: number): void {
    const { window } = this.enforcement;
    if (window !== 'fixed-minute' && window !== 'first-request-minute') return;
    const minute = this.#minutes.get(tally);
    if (minute !== undefined && now < minute.end) minute.units += units;
    else this.#minutes.set(tally, { end: window === 'fixed-minute' ? nextMinute(now) : now + MINUTE, units });
  }

  /** Google documents both forms for the same limit, and both occur. */
  #userRefusal(): ApiError {
    const text = quotaText('Units per minute per user');
    return this.#random.chance(0.5)
      ? new ApiError(429, 'rateLimitExceeded', text)
      : new ApiError(403, 'userRateLimitExceeded', text);
  }
}

const MINUTE = 60_000;
const nextMinute = (now: number): number => (Math.floor(now / MINUTE) + 1) * MINUTE;

function quotaText(limit: string): string {
  return (
    `Quota exceeded for quota metric 'Total Query Cost' and limit '${limit}' of service 'gmail.googleapis.com' for ` +
    "consumer 'project_number:100000000000'."
  );
}
