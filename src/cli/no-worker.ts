import type { Config } from '../config/config.ts';
import type { Output } from './output.ts';

/** Begins with "if", because a worker may run that is too busy to answer in time. */
export const NO_WORKER = 'If none runs, start one: tidemark worker, or npm start in a checkout';

/** Says once that no worker runs, instead of hanging silently. */
export function noWorkerNotice(out: Output, config: Pick<Config, 'taskQueue'>): () => void {
  let said = false;
  return () => {
    if (said) return;
    said = true;
    out.notice(
      `No worker answers on the task queue "${config.taskQueue}", and without one nothing happens. If none runs, ` +
        'start one in another terminal: tidemark worker, or npm start in a checkout',
    );
  };
}
