import { shown } from './options.ts';
import { UsageError } from './program-errors.ts';

/**
 * A time as epoch milliseconds.
 *
 * @param time - a date, or epoch milliseconds
 * @throws {UsageError} when it is no time
 */
export function epochMs(time: Date | number): number {
  const milliseconds = time instanceof Date ? time.getTime() : time;
  if (!Number.isFinite(milliseconds))
    throw new UsageError(`${shown(time)} is no time: give a date, or epoch milliseconds`);
  return milliseconds;
}
