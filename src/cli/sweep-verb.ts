import type { Command } from 'commander';

import { parseDuration } from '../model/duration.ts';
import { UsageError } from '../model/program-errors.ts';
import { verb, withStores, type Cli, type VerbOptions } from './verb-context.ts';
import { count, counted } from './words.ts';

interface SweepOptions extends VerbOptions {
  readonly grace?: number;
}

export function addSweep(program: Command, cli: Cli): void {
  verb(program, 'sweep', {
    examples: ['tidemark sweep', 'tidemark sweep --grace 0s'],
  })
    .option(
      '--grace <duration>',
      'leave alone what was named within this time (BODIES_SWEEP_GRACE when not given, which is 1h unless set)',
      parseDuration,
    )
    .addHelpText('after', '\nWorkers do this by themselves every ten minutes. Needs no Temporal server.')
    .action((options: SweepOptions) =>
      withStores(cli, options, async ({ config, stores, out, clock, signal }) => {
        const grace = options.grace ?? config.bodies.sweepGrace;
        if (grace === null)
          throw new UsageError(
            'BODIES_SWEEP_GRACE is never, so nothing was removed. Say what may go: tidemark sweep --grace 30d',
          );
        const result = await stores.store.sweepBodies({ now: clock.now(), grace, signal });
        out.result(result, () => `Removed ${counted(result.removed, 'object')}, ${count(result.bytes)} bytes.`);
      }),
    );
}
