/**
 * How many calls of one mailbox may be in flight at once. Gmail limits it per user, over all clients, and publishes no number:
 * https://developers.google.com/workspace/gmail/api/guides/handle-errors#too-many-concurrent
 * A batch of 50 may count as 50 calls, so the width is counted in calls.
 *
 * It doubles while nothing is refused, falls to what was let in when something is, and then feels its way up, ever more patiently.
 */
export interface CallWidth {
  readonly calls: number;
  /** Epoch ms before which it does not grow; 0 as long as no limit was met. */
  readonly growsAt: number;
  readonly patience: number;
}

const FIRST_CALLS = 10;
const MOST_CALLS = 400;
const FIRST_PATIENCE = 60_000;
const LONGEST_PATIENCE = 15 * 60_000;

export const FIRST_WIDTH: CallWidth = { calls: FIRST_CALLS, growsAt: 0, patience: FIRST_PATIENCE };

/** Calls were let in while `inFlight` were under way. Only a width that was used proves that it holds. */
export function afterAnswer(width: CallWidth, inFlight: number, now: number): CallWidth {
  if (inFlight < width.calls || width.calls >= MOST_CALLS || now < width.growsAt) return width;
  if (width.growsAt === 0) return { ...width, calls: Math.min(MOST_CALLS, width.calls * 2) };
  return { ...width, calls: Math.min(MOST_CALLS, width.calls + Math.max(1, Math.floor(width.calls / 20))), growsAt: now + width.patience };
}

/** `refused` of the calls that were in flight together met the limit. */
export function afterRefusal(width: CallWidth, { inFlight, refused }: { readonly inFlight: number; readonly refused: number }, now: number): CallWidth {
  const calls = Math.max(1, Math.min(width.calls, inFlight - refused));
  return { calls, growsAt: now + width.patience, patience: Math.min(LONGEST_PATIENCE, width.patience * 2) };
}
