import type { InjectedSinks } from '@temporalio/worker';

import type { Log } from '../host/log.ts';
import type { Clock } from '../model/clock.ts';
import { measureClockSkew, skewWords, type ClockSkew, type Reference } from '../model/clock-skew.ts';
import type { Telemetry } from '../model/telemetry.ts';

export interface ClockWatchOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly telemetry: Pick<Telemetry, 'set'>;
  readonly log: Pick<Log, 'warn' | 'info'>;
}

const NAMES = { temporal: "the Temporal server's", gmail: "Gmail's" } as const satisfies Record<Reference, string>;
const REMEDIES = {
  temporal: 'set both by NTP',
  gmail: "set it and the Temporal server's by NTP",
} as const satisfies Record<Reference, string>;

/** Measures this worker's clock, exports its skew as a metric, and logs once per episode that the clock is wrong. */
export function watchClock({ clock, telemetry, log }: ClockWatchOptions): ClockSkew {
  return measureClockSkew({
    clock,
    onMeasured: (against, ahead) => telemetry.set('tidemark_clock_skew_seconds', ahead / 1_000, { against }),
    onEpisode: (against, ahead, isOff) => {
      const fields = { against, aheadSeconds: Math.round(ahead / 1_000) };
      if (isOff)
        log.warn(fields, `this machine's clock is ${skewWords(ahead)} ${NAMES[against]}: ${REMEDIES[against]}`);
      else log.info(fields, `this machine's clock agrees with ${NAMES[against]} again`);
    },
  });
}

/** The sink to which workflows report the server's time: see `ClockSinks` in src/workflows. */
export function clockSinks(
  skew: Pick<ClockSkew, 'seen'>,
): InjectedSinks<{ clock: { seen(serverTime: number): void } }> {
  return {
    clock: { seen: { fn: (_workflow, serverTime) => skew.seen('temporal', serverTime), callDuringReplay: false } },
  };
}
