import { appendFileSync } from 'node:fs';

import { loadConfig } from '../src/config/config.ts';
import { createLog } from '../src/host/log.ts';
import { installRuntime } from '../src/telemetry/runtime.ts';
import { runWorker } from '../src/worker.ts';

/**
 * A product's worker with one handler, which writes each change and the time of its call to a file: `node
 * delivery-worker.ts FILE [BATCH]`.
 */
const [, , file = '', batch] = process.argv;
const config = loadConfig();
const log = createLog('warn');
installRuntime(log, config.telemetry);
await runWorker({
  config,
  log,
  handlers: {
    bench: {
      beginning: { kind: 'first' },
      ...(batch === undefined ? {} : { batch: Number(batch) }),
      handle: (changes, { mailbox, deliveryId: id }) => {
        const at = Date.now();
        for (const { sequence } of changes) appendFileSync(file, `${JSON.stringify({ mailbox, sequence, id, at })}\n`);
      },
    },
  },
});
