/**
 * A time that an activity answered, on the server's clock, in epoch ms. The delay counts from the workflow's `now`, for the worker's clock may
 * be another; a worker of an earlier version tells the time alone.
 */
export function answeredTime(delay: number | null | undefined, at: number | null, now: number): number | null {
  return delay === undefined || delay === null ? at : now + Math.max(0, delay);
}
