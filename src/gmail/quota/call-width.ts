/**
 * How many calls of one mailbox may be in flight at once. Gmail limits it per user, over all clients, and publishes no number:
 * https://developers.google.com/workspace/gmail/api/guides/handle-errors
 * A batch of 50 may count as 50 calls, so the width is counted in calls.
 *
 * It grows fast while nothing is refused, falls to what was let in when something is, and then feels its way up:
 * ever more patiently while it meets the limit again, ever faster while it does not.
 */
export interface CallWidth {
  readonly calls: number;
  /** Epoch ms before which it does not grow; 0 as long as no limit was met. */
  readonly growsAt: number;
  /** Milliseconds from one step to the next once a limit was met. */
  readonly patience: number;
  /** True from a step up until calls of the new width were let in. */
  readonly trying: boolean;
}

const FIRST_CALLS = 10;
/** Four full batches: at 200 ms an answer ten times what any quota grants. Each more would hold its megabyte or two of mail in memory. */
const MOST_CALLS = 200;
/** Overshooting a hidden limit costs refused calls: at this growth at most half of what the limit lets in, once. */
const GROWTH = 1.5;
const SHORTEST_PATIENCE = 2_000;
const LONGEST_PATIENCE = 15 * 60_000;

export const FIRST_WIDTH: CallWidth = { calls: FIRST_CALLS, growsAt: 0, patience: 30_000, trying: false };

/** Calls were let in while `inFlight` were under way. Only a width that was used proves that it holds. */
export function afterAnswer(width: CallWidth, inFlight: number, now: number): CallWidth {
  if (inFlight < width.calls) return width;
  if (width.growsAt === 0) return { ...width, calls: Math.min(MOST_CALLS, Math.ceil(width.calls * GROWTH)) };
  const patience = width.trying ? Math.max(SHORTEST_PATIENCE, width.patience / 2) : width.patience;
  if (now < width.growsAt || width.calls >= MOST_CALLS) return { ...width, patience, trying: false };
  const step = Math.max(1, Math.floor(width.calls / 20));
  return { calls: Math.min(MOST_CALLS, width.calls + step), growsAt: now + patience, patience, trying: true };
}

/** `refused` of the calls met the limit; `inFlight` were under way when they were sent, they themselves included. */
export function afterRefusal(width: CallWidth, { inFlight, refused }: { readonly inFlight: number; readonly refused: number }, now: number): CallWidth {
  const calls = Math.max(1, Math.min(width.calls, inFlight - refused));
  // Batches that were refused together are one meeting with the limit: the wait doubles once.
  const together = !width.trying && now < width.growsAt;
  const patience = together ? width.patience : Math.min(LONGEST_PATIENCE, width.patience * 2);
  return { calls, growsAt: now + patience, patience, trying: false };
}
