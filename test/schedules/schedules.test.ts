import { testSchedules } from './test-schedules.ts';

testSchedules({ first: 1, odd: false });
