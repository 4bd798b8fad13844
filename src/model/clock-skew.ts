import type { Clock } from './clock.ts';

/** The clock that this machine's is compared with. */
export type Reference = 'temporal' | 'gmail';

/** How far this worker's clock is from the clocks of Temporal and Gmail, measured by their answers. */
export interface ClockSkew {
  /**
   * Records a time that has just arrived from a reference.
   *
   * @param theirs - epoch ms
   */
  seen(against: Reference, theirs: number): void;
  /** Ms that this clock is ahead (below 0: behind); null before any answer. */
  ahead(against: Reference): number | null;
}

export interface ClockSkewOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Called with each answer; `ahead` in ms. */
  readonly onMeasured: (against: Reference, ahead: number) => void;
  /** Called once when this clock is off by more than a minute, and once when it is right again. */
  readonly onEpisode: (against: Reference, ahead: number, isOff: boolean) => void;
}

/** A clock that is off by more than this (ms) is reported to people. */
const WORTH_TELLING = 60_000;

/** Whether a clock is so wrong that people are told. */
export const isWorthTelling = (skew: number | null): skew is number => skew !== null && Math.abs(skew) > WORTH_TELLING;

/** The delay of an answer makes this clock look ahead, so the smallest of this many samples is the most accurate. */
const SAMPLES = 5;

/**
 * Measures this machine's clock against Temporal's and Gmail's. A jump ahead shows after {@link SAMPLES} answers, a
 * jump back at once.
 */
export function measureClockSkew({ clock, onMeasured, onEpisode }: ClockSkewOptions): ClockSkew {
  const measured: Record<Reference, Measured> = { temporal: UNKNOWN, gmail: UNKNOWN };
  return {
    ahead: (against) => aheadBy(measured[against]),
    seen: (against, theirs) => {
      const before = measured[against];
      // Answers with the same timestamp count as one sample.
      if (theirs === before.theirs) return;
      const next = { ...before, theirs, samples: [...before.samples.slice(1 - SAMPLES), clock.now() - theirs] };
      const ahead = aheadBy(next) ?? 0;
      const isOff = isWorthTelling(ahead);
      measured[against] = { ...next, isOff };
      onMeasured(against, ahead);
      if (isOff !== before.isOff) onEpisode(against, ahead, isOff);
    },
  };
}

interface Measured {
  readonly theirs: number | null;
  readonly samples: readonly number[];
  readonly isOff: boolean;
}

const UNKNOWN: Measured = { theirs: null, samples: [], isOff: false };

/**
 * A single sample may just be late, so a clock counts as ahead only if all samples say so. A clock that is behind shows
 * in any sample.
 */
function aheadBy({ samples }: Measured): number | null {
  if (samples.length === 0) return null;
  const least = Math.min(...samples);
  return samples.length < SAMPLES ? Math.min(0, least) : least;
}

const UNITS = [
  ['day', 24 * 60 * 60_000],
  ['hour', 60 * 60_000],
  ['minute', 60_000],
] as const;

/** "10 minutes ahead of", "2 hours behind": for a sentence about a clock. */
export function skewWords(ahead: number): string {
  const size = Math.abs(ahead);
  const [name, unit] = UNITS.find(([, milliseconds]) => size >= milliseconds) ?? ['second', 1_000];
  const count = Math.round(size / unit);
  return `${count} ${name}${count === 1 ? '' : 's'} ${ahead > 0 ? 'ahead of' : 'behind'}`;
}
