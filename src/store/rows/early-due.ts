import type { FullSyncProgress } from './mailbox-row.ts';

/** After this long (ms), history shows every change up to the head. */
const SETTLED = 30_000;

/**
 * When the gets from the first seconds of a first full sync are to be settled, even if another full sync has followed
 * it at once. null when there are none.
 */
export function earlyReadingsDue({ reconciling, startedAt, earlyReadingsDue: due }: FullSyncProgress): number | null {
  return reconciling ? (due ?? null) : startedAt + SETTLED;
}
