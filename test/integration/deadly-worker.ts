import { appendFileSync } from 'node:fs';

import { loadConfig } from '../../src/config/config.ts';
import type { Handler } from '../../src/deliveries/handler.ts';
import { createLog } from '../../src/host/log.ts';
import { installRuntime } from '../../src/telemetry/runtime.ts';
import { runWorker } from '../../src/worker.ts';

/**
 * A worker whose handlers end its process at some messages: `node deadly-worker.ts FILE`. Each call of a handler adds a
 * line with the subjects to the file.
 */
const [, , file = ''] = process.argv;
const config = loadConfig();
const log = createLog('info');
installRuntime(log, config.telemetry);

const noting = (name: string, react: (subjects: readonly (string | null)[]) => void): Handler => ({
  beginning: { kind: 'first' },
  handle: async (changes, { mailbox, message }) => {
    const subjects: (string | null)[] = [];
    for (const { messageId } of changes) subjects.push((await message(messageId))?.subject ?? null);
    appendFileSync(file, `${JSON.stringify({ name, mailbox, subjects })}\n`);
    react(subjects);
  },
});

await runWorker({
  config,
  log,
  handlers: {
    crm: noting('crm', (subjects) => {
      if (subjects.includes('poison')) process.kill(process.pid, 'SIGKILL');
    }),
    strict: {
      ...noting('strict', (subjects) => {
        if (subjects.includes('venom')) process.exit(1);
      }),
      filter: { subject: 'v' },
      batch: 1,
      order: { kind: 'above-all' },
    },
    other: noting('other', () => undefined),
  },
});
