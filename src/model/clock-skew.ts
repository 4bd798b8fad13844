import type { Clock } from './clock.ts';

/** Whose time is compared with this machine's. */
export type Reference = 'temporal' | 'gmail';

/** How far this worker's clock is from others', as their answers show. */
export interface ClockSkew {
  /**
   * A time that has just come from there.
   *
   * @param theirs - epoch ms
   */
  seen(against: Reference, theirs: number): void;
  /** Ms that this clock is ahead (below 0: behind); null before any answer. */
  ahead(against: Reference): number | null;
}

export interface ClockSkewOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Told with each answer, in ms. */
  readonly onMeasured: (against: Reference, ahead: number) => void;
  /** Told once when a clock turns out to be off by more than {@link WORTH_TELLING}, and once when it is right again. */
  readonly onEpisode: (against: Reference, ahead: number, isOff: boolean) => void;
}

/** Ms from which on a wrong clock is shown to people. */
export const WORTH_TELLING = 60_000;

/** An answer takes time to arrive, which looks like a clock that is ahead: the smallest of so many is nearest to the truth. */
const SAMPLES = 5;

/** Measures how far this machine's clock is from Temporal's and Gmail's. A jump ahead is seen after {@link SAMPLES} answers, one back at once. */
export function measureClockSkew({ clock, onMeasured, onEpisode }: ClockSkewOptions): ClockSkew {
  const measured: Record<Reference, Measured> = { temporal: UNKNOWN, gmail: UNKNOWN };
  return {
    ahead: (against) => aheadBy(measured[against]),
    seen: (against, theirs) => {
      const before = measured[against];
      // Several answers within one of their moments are one.
      if (theirs === before.theirs) return;
      const next = { ...before, theirs, samples: [...before.samples.slice(1 - SAMPLES), clock.now() - theirs] };
      const ahead = aheadBy(next) ?? 0;
      const isOff = Math.abs(ahead) > WORTH_TELLING;
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

/** One late answer alone says nothing: a clock that is ahead shows in all of them. One that is behind shows in each. */
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
