import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

import { createLog } from '../src/host/log.ts';
import { systemClock as clock } from '../src/host/system-clock.ts';
import { installRuntime } from '../src/telemetry/runtime.ts';
import { findBinary } from '../src/temporal/dev-server/index.ts';
import { runIdleMailbox } from '../test/fixtures/temporal/idle-mailbox.ts';
import { openTimeSkipping } from '../test/fixtures/temporal/time-skipping.ts';
import type { Bench, Figure } from '../test/fixtures/measured/figure.ts';
import { sourceFile } from './bench-processes.ts';

const DAYS = 28;

export const idlePush: Bench = {
  name: 'idle-push',
  about: 'Temporal Actions a day of an idle mailbox with push, audits included',
  async run() {
    installRuntime(createLog('silent'));
    const binary = await findBinary('temporal-test-server', {
      dataDir: fileURLToPath(new URL('../.tidemark', import.meta.url)),
      clock,
      log: (line) => console.error(line),
    });
    const bundle = await bundleWorkflowCode({
      workflowsPath: sourceFile('src/workflows/index.ts'),
      logger: new DefaultLogger('ERROR'),
    });
    const environment = await openTimeSkipping(binary);
    const figures: Figure[] = [];
    try {
      for (const announcesWatches of [false, true]) {
        const { actions, kinds } = await runIdleMailbox({ environment, bundle, days: DAYS, announcesWatches });
        const sum = actions.reduce((total, day) => total + day, 0);
        const what = announcesWatches ? 'idle with push, Gmail announcing each renewal' : 'idle with push';
        figures.push(
          {
            name: `${what}: Actions on a day without an audit, at most`,
            value: actions.toSorted((a, b) => a - b)[DAYS - 1 - DAYS / 7] ?? 0,
            unit: '',
            bound: { is: 'at most', value: 3 },
          },
          {
            name: `${what}: Actions a day, average of ${DAYS}`,
            value: sum / DAYS,
            unit: '',
            bound: { is: 'at most', value: 3 },
            note: JSON.stringify(kinds).replaceAll('"', ''),
          },
        );
      }
    } finally {
      await environment.teardown();
    }
    return figures;
  },
};
