import type { Command } from 'commander';

import { parseDuration } from '../duration.ts';
import { verb, withStores, type Cli, type VerbOptions } from './context.ts';
import { count, counted } from './words.ts';

interface SweepOptions extends VerbOptions {
  readonly grace?: number;
}

export function addSweep(program: Command, cli: Cli): void {
  verb(program, 'sweep', {
    summary: 'remove bodies outside the database that nothing names any more',
    examples: ['tidemark sweep', 'tidemark sweep --grace 0s'],
  })
    .option('--grace <duration>', 'leave alone what was named within this time (1h when not given)', parseDuration)
    .addHelpText('after', '\nWorkers do this by themselves every ten minutes. Needs no Temporal server.')
    .action((options: SweepOptions) =>
      withStores(cli, options, async ({ stores, out, clock, signal }) => {
        const { grace } = options;
        const result = await stores.store.sweepBodies({ now: clock.now(), signal, ...(grace === undefined ? {} : { grace }) });
        out.result(result, () => `Removed ${counted(result.removed, 'object')}, ${count(result.bytes)} bytes.`);
      }),
    );
}
