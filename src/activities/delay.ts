/** Ms from `now` to `time`, both of this worker's clock; null when there is no time. What crosses to the workflow is this. */
export function delayTo(time: number | null, now: number): number | null {
  return time === null ? null : time - now;
}
