import type { WorkerDependencies } from '../../src/activities/create-activities.ts';
import { withDates } from '../../src/gmail/api/gmail-date.ts';
import { GoogleClock } from '../../src/gmail/api/google-clock.ts';
import type { Clock } from '../../src/model/clock.ts';
import { simulatedWorker, type SimulatedWorkerOptions } from '../simulated-worker.ts';
import type { Random } from './seeded-random.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** How far a machine's clock is ahead of the true time (ms; behind when negative). */
export interface ClockError {
  readonly skew: number;
  /** The clock jumps `by` this much, `after` this long, and jumps back `lasting` later (ms). */
  readonly jump: { readonly by: number; readonly after: number; readonly lasting: number } | null;
}

/** A machine's clock that shows a wrong time. The lengths of its sleeps are right. */
export function wrongClock(clock: Clock, { skew, jump }: ClockError): Clock {
  const start = clock.now();
  const jumped = (since: number): boolean => jump !== null && since >= jump.after && since < jump.after + jump.lasting;
  return {
    now: () => clock.now() + skew + (jumped(clock.now() - start) ? (jump?.by ?? 0) : 0),
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
    random: () => clock.random(),
  };
}

/** A worker on a machine with a wrong clock. Like a real worker, it goes by Google's time. */
export function workerWithWrongClock(options: SimulatedWorkerOptions, error: ClockError): WorkerDependencies {
  const { clock, simulator, transport = simulator.transport } = options;
  const start = clock.now();
  const googleClock = new GoogleClock(wrongClock(clock, error), () => clock.now() - start);
  return simulatedWorker({
    ...options,
    clock: googleClock,
    transport: withDates(transport, (date) => googleClock.hear(date)),
  });
}

export function drawError(random: Random): ClockError {
  const skew = random.pick([0, 10 * MINUTE, -10 * MINUTE]);
  if (random.chance(0.5)) return { skew, jump: null };
  return {
    skew,
    jump: { by: random.pick([DAY, -DAY]), after: random.below(3 * MINUTE), lasting: random.below(2 * MINUTE) },
  };
}
