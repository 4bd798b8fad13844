export { backfillQueueOf } from '../workflows/definitions.ts';
