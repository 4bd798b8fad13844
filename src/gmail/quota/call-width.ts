/**
 * How many calls of one mailbox may be in flight at once. Gmail limits this per user, over all clients, and publishes
 * no number (https://developers.google.com/workspace/gmail/api/guides/handle-errors). A batch of 50 may count as 50
 * calls, so the width is counted in calls.
 *
 * The width grows fast until a call is refused. It then falls to the number of calls that were accepted, and probes its
 * way up again: more slowly each time it hits the limit, faster while it does not.
 */
export interface CallWidth {
  readonly calls: number;
  /** Epoch ms before which the width does not grow; 0 as long as no limit was hit. */
  readonly growsAt: number;
  /** Milliseconds between two steps once a limit was hit. */
  readonly patience: number;
  /** True from a step up until calls at the new width were accepted. */
  readonly trying: boolean;
}

const FIRST_CALLS = 10;
/**
 * Four full batches: at 200 ms an answer, ten times what any quota grants. Each further batch would hold a megabyte or
 * two of mail in memory.
 */
const MOST_CALLS = 200;
/** Overshooting the hidden limit costs refused calls. With this growth that is at most half the limit, once. */
const GROWTH = 1.5;
const SHORTEST_PATIENCE = 2_000;
const LONGEST_PATIENCE = 15 * 60_000;

export const FIRST_WIDTH: CallWidth = { calls: FIRST_CALLS, growsAt: 0, patience: 30_000, trying: false };

/** The width after calls were accepted while `inFlight` were under way. A width that was not used up proves nothing. */
export function afterAnswer(width: CallWidth, inFlight: number, now: number): CallWidth {
  if (inFlight < width.calls) return width;
  if (width.growsAt === 0) return { ...width, calls: Math.min(MOST_CALLS, Math.ceil(width.calls * GROWTH)) };
  const patience = width.trying ? Math.max(SHORTEST_PATIENCE, width.patience / 2) : width.patience;
  if (now < width.growsAt || width.calls >= MOST_CALLS) return { ...width, patience, trying: false };
  const step = Math.max(1, Math.floor(width.calls / 20));
  return { calls: Math.min(MOST_CALLS, width.calls + step), growsAt: now + patience, patience, trying: true };
}

/**
 * The width after `refused` calls hit the limit. `inFlight` calls were under way when these were sent, including these.
 */
export function afterRefusal(
  width: CallWidth,
  { inFlight, refused }: { readonly inFlight: number; readonly refused: number },
  now: number,
): CallWidth {
  const calls = Math.max(1, Math.min(width.calls, inFlight - refused));
  // Batches that were refused together count as one event, so the wait doubles once.
  const together = !width.trying && now < width.growsAt;
  const patience = together ? width.patience : Math.min(LONGEST_PATIENCE, width.patience * 2);
  return { calls, growsAt: now + patience, patience, trying: false };
}
