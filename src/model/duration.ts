import { TidemarkError } from './tidemark-error.ts';

/** Thrown when text that should be a duration is not one. */
export class InvalidDurationError extends TidemarkError {
  override readonly name = 'InvalidDurationError';
  readonly code = 'invalid-duration';
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const DURATION = /^(?:(?<d>\d+)d)?(?:(?<h>\d+)h)?(?:(?<m>\d+)m(?!s))?(?:(?<s>\d+)s)?(?:(?<ms>\d+)ms)?$/;

/**
 * Reads `500ms`, `30s`, `5m`, `1h`, `7d`, and sums of them from the larger to the smaller unit, such as `1h30m`.
 * @returns milliseconds
 * @throws {InvalidDurationError} when `text` is not a duration
 */
export function parseDuration(text: string): number {
  const groups = text === '' ? undefined : DURATION.exec(text)?.groups;
  const milliseconds =
    groups === undefined ? Number.NaN : UNITS.reduce((sum, [unit, size]) => sum + Number(groups[unit] ?? 0) * size, 0);
  if (!Number.isSafeInteger(milliseconds)) {
    throw new InvalidDurationError(`"${text}" is not a duration: write it like 500ms, 30s, 5m, 1h or 7d`);
  }
  return milliseconds;
}

/**
 * The shortest text that {@link parseDuration} reads back as the same: `90s` is written `1m30s`.
 * @param milliseconds not negative; a fraction of a millisecond is dropped
 */
export function formatDuration(milliseconds: number): string {
  let rest = Math.floor(milliseconds);
  if (rest === 0) return '0s';
  let text = '';
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
