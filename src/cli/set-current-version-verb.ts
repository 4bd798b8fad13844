import type { Command } from 'commander';

import { UsageError } from '../model/program-errors.ts';
import { contextOf, verb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';

interface SetCurrentVersionOptions extends VerbOptions {
  readonly unversioned?: boolean;
}

export function addSetCurrentVersion(program: Command, cli: Cli): void {
  verb(program, 'set-current-version', {
    examples: [
      'tidemark set-current-version v1.2.0',
      'TIDEMARK_BUILD_ID=v1.2.0 tidemark set-current-version',
      'tidemark set-current-version --unversioned',
    ],
  })
    .argument('[build]', 'the build id (default: TIDEMARK_BUILD_ID)')
    .option('--unversioned', 'to the workers that have no build id')
    .addHelpText(
      'after',
      '\nWorkers have a build id where TIDEMARK_BUILD_ID is set. ' +
        'docs/operations.md says how to roll out an upgrade with it.',
    )
    .action(async (build: string | undefined, options: SetCurrentVersionOptions) => {
      if (build !== undefined && options.unversioned === true)
        throw new UsageError('Give either a build id or --unversioned.');
      const { name: deployment, buildId: own } = (await contextOf(cli, options)).config.deployment;
      const buildId = options.unversioned === true ? null : (build ?? own);
      if (buildId === null && options.unversioned !== true)
        throw new UsageError('Name a build id, or set TIDEMARK_BUILD_ID, or say --unversioned.');
      return withTidemark(cli, options, async ({ tidemark, out, config, clock }) => {
        const [{ setCurrentVersion }, { temporalAddressOf }] = await Promise.all([
          import('../client/current-version.ts'),
          import('../temporal/connect.ts'),
        ]);
        await setCurrentVersion({
          temporal: tidemark.temporal,
          address: temporalAddressOf(config),
          clock,
          version: { deploymentName: deployment, buildId },
        });
        out.result(
          { deployment, buildId },
          () =>
            'Mailboxes run on ' +
            `${buildId === null ? 'workers without a build id' : `build ${buildId} of ${deployment}`} ` +
            'from their next step on.',
        );
      });
    });
}
