import { testSchedules } from './test-schedules.ts';

// One of four files, so that they run on all cores.
testSchedules(1501, 500, { odd: true });
