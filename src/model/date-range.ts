/** The last moment that a `Date` holds, in epoch ms: https://tc39.es/ecma262/#sec-time-values-and-time-range */
export const LAST_MOMENT = 8.64e15;

/** Epoch ms, moved into the range of dates: what makes a `Date` of them must not throw. */
export const withinDates = (at: number): number => Math.min(Math.max(at, -LAST_MOMENT), LAST_MOMENT);
