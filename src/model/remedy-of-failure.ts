import type { Remedy } from './remedy.ts';

/** The most characters of a remedy as JSON: the state keeps the remedy. An address has at most 254. */
const LONGEST = 1_500;

/**
 * The remedy that an activity's failure carries as its first detail.
 *
 * @returns undefined when there is none: the worker may be of an earlier version
 */
export function remedyOfFailure(details: readonly unknown[] | null | undefined): Remedy | undefined {
  const carried = details?.[0];
  return isRemedy(carried) ? carried : undefined;
}

const isRemedy = (value: unknown): value is Remedy =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  typeof value.kind === 'string' &&
  JSON.stringify(value).length <= LONGEST;
