import type { Ways } from '../../src/workflows/lane-scheduler.ts';

/** The behaviour of a run that begins today: every patch is on. */
export const TODAY: Ways = {
  waitsOn: () => true,
  asksAgain: () => true,
  ignoresStaleRefusals: () => true,
  boundsTimes: () => true,
};
