/** What the heartbeat of a failing attempt says when the store cannot take the failure. */
export interface FailingSince {
  /** Epoch ms, by the clock of the worker. */
  readonly failingSince: number;
}

/** Since when attempts fail, as the details of an activity's last heartbeat say it; null when they do not. */
export function failingSinceIn(details: unknown): number | null {
  return typeof details === 'object' &&
    details !== null &&
    'failingSince' in details &&
    Number.isSafeInteger(details.failingSince)
    ? Number(details.failingSince)
    : null;
}
