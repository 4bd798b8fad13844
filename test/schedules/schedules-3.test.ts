import { testSchedules } from './test-schedules.ts';

// One of four files, so that they run on all cores.
testSchedules(1001, 500, { odd: true });
