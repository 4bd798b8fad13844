/**
 * Ms from `now` to `time`, both by this worker's clock; null when `time` is null. Results carry such delays, since the
 * workflow has another clock.
 */
export function delayTo(time: number | null, now: number): number | null {
  return time === null ? null : time - now;
}
