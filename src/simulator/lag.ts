/**
 * How far parts of Gmail lag behind a change, by the simulator's clock. A change keeps the delay that applied when it
 * was made. When a value is lowered later, every change that is older than the new value shows at once.
 */
export interface Lag {
  /** How long a record is missing from history.list, although the head already includes it. */
  historyMs: number;
  /** How long a change is missing from messages.list and threads.list (ids, labels, searches). */
  listMs: number;
  /**
   * How long a stale replica may answer a get: with older labels and historyId, or with 404 for new mail.
   */
  getMs: number;
  /** The probability that a stale replica answers a get. */
  getProbability: number;
  /** Delays each change by a random part of the times above, so that later changes may show before earlier ones. */
  jitter: boolean;
}

export const NO_LAG: Lag = { historyMs: 0, listMs: 0, getMs: 0, getProbability: 0.5, jitter: false };
