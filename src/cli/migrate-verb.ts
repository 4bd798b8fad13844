import type { Command } from 'commander';

import { contextOf, verb, type Cli, type VerbOptions } from './verb-context.ts';

export function addMigrate(program: Command, cli: Cli): void {
  verb(program, 'migrate', {
    examples: [
      'tidemark migrate',
      'DATABASE_URL=postgres://tidemark@db.internal/tidemark tidemark migrate --json | jq .applied',
    ],
  })
    .addHelpText(
      'after',
      '\nForward only. Workers and most commands do the same when they open the database, ' +
        'unless DATABASE_AUTO_MIGRATE=false: ' +
        'then this runs first, once, and workers that find an older schema refuse it.',
    )
    .action(async (options: VerbOptions) => {
      const { config, out } = await contextOf(cli, options);
      const { migrateStoresOf } = await import('../storage/open-stores.ts');
      const { name, applied } = await migrateStoresOf(config);
      out.result({ database: name, applied }, () =>
        applied.length === 0 ? `The ${name} is up to date.` : `The ${name} is up to date now: ${applied.join(', ')}.`,
      );
    });
}
