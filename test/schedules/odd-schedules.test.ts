import { testSchedules } from './test-schedules.ts';

testSchedules({ first: 1001, odd: true });
