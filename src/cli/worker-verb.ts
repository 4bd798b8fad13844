import type { Command } from 'commander';

import { contextOf, verb, type Cli, type VerbOptions } from './verb-context.ts';

export function addWorker(program: Command, cli: Cli): void {
  verb(program, 'worker', {
    examples: ['tidemark worker', 'LOG_LEVEL=debug TEMPORAL_ADDRESS=temporal.internal:7233 tidemark worker'],
  })
    .addHelpText('after', '\nLogs are JSON lines on stderr. SIGTERM and Ctrl-C drain the worker within 10 seconds.')
    .action(async (options: VerbOptions) => {
      const { config } = await contextOf(cli, options);
      // The SDK's native part takes half a second to load, and only this verb needs it.
      const [{ createLog }, { workerMain }] = await Promise.all([import('../host/log.ts'), import('../worker.ts')]);
      await workerMain({ config, log: createLog(config.logLevel) });
    });
}
