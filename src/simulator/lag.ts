/**
 * How far parts of Gmail trail behind a change, by the simulator's clock. A change keeps the delay that held when it
 * was made; lowering a value later shows everything that is older than the new value at once.
 */
export interface Lag {
  /** A record is missing from history.list for so long, although the head already counts it. */
  historyMs: number;
  /** A change is missing from messages.list and threads.list (ids, labels, searches) for so long. */
  listMs: number;
  /**
   * For so long a get may be answered by a replica that has not seen the change: older labels and historyId, 404 for
   * fresh mail.
   */
  getMs: number;
  /** The chance of one get to meet such a replica. */
  getProbability: number;
  /** Each change is delayed by its own random part of the times above, so later ones may show before earlier ones. */
  jitter: boolean;
}

export const NO_LAG: Lag = { historyMs: 0, listMs: 0, getMs: 0, getProbability: 0.5, jitter: false };
