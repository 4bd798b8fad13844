const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Milliseconds from the first attempt to the last one. */
export const RETRIED_FOR = 72 * HOUR;

/** Milliseconds after each failed attempt; the last one repeats. */
const STEPS: readonly [number, ...number[]] = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
];
/** Each delay is up to a fifth shorter or longer, so that targets that failed together are not asked together. */
const JITTER = 0.2;

export interface FailedAttempts {
  /** Attempts that have failed, at least 1. */
  readonly failures: number;
  /** Milliseconds since the first attempt began. */
  readonly elapsed: number;
  /** Milliseconds that the target asked to wait; null when it did not ask. */
  readonly asked: number | null;
  /** From the injected clock: uniform in [0, 1). */
  readonly random: number;
}

/**
 * When a failed delivery is tried again. Delays grow from 5 s to 4 h, some 25 attempts in all. The last attempt is made
 * three days after the first one; when that fails, too, the delivery must be parked.
 *
 * Source: "Deliverability and reliability" in
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * @returns milliseconds until the next attempt; null when the delivery must be parked
 */
export function retryDelay({ failures, elapsed, asked, random }: FailedAttempts): number | null {
  const left = RETRIED_FOR - elapsed;
  if (left <= 0) return null;
  const step = STEPS[Math.max(failures, 1) - 1] ?? STEPS.at(-1) ?? STEPS[0];
  const delay = Math.round(step * (1 + JITTER * (2 * random - 1)));
  return Math.min(Math.max(delay, asked ?? 0), left);
}
