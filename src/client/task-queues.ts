export { backfillQueueOf, DEFAULT_TASK_QUEUE } from '../workflows/definitions.ts';
