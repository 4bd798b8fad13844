import type { Command } from 'commander';

import { verb, withDeliveries, type Cli, type VerbOptions } from './verb-context.ts';

export function addUnsubscribe(program: Command, cli: Cli): void {
  verb(program, 'unsubscribe', { examples: ['tidemark unsubscribe crm'] })
    .argument('<name>', 'the subscription')
    .addHelpText('after', '\nA worker that still has a handler of that name makes it again when it starts.')
    .action((name: string, options: VerbOptions) =>
      withDeliveries(cli, options, async ({ deliveries, out }) => {
        await deliveries.unsubscribe(name);
        out.result({ name, ended: true }, () => [
          `The subscription ${name} has ended, and its positions and keys are deleted.`,
        ]);
      }),
    );
}
