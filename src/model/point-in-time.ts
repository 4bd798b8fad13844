import { shown } from './options.ts';
import { UsageError } from './program-errors.ts';

/**
 * A time as epoch milliseconds.
 *
 * @param time - a date, or epoch milliseconds
 * @throws {UsageError} when it is no time
 */
export function epochMs(time: Date | number): number {
  const milliseconds = isDate(time) ? time.getTime() : time;
  if (!Number.isFinite(milliseconds))
    throw new UsageError(`${shown(time)} is no time: give a date, or epoch milliseconds`);
  return milliseconds;
}

/** Test runners give a program dates of another realm, which are no `Date` of this one. */
const isDate = (time: Date | number): time is Date => Object.prototype.toString.call(time) === '[object Date]';
