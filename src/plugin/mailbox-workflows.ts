import { readFileSync } from 'node:fs';

import type { WorkerOptions } from '@temporalio/worker';

import { WORKFLOWS_PATH } from '../temporal/bundle-workflows.ts';
import { PHASE_ATTRIBUTE } from '../workflows/search-attributes.ts';
import { PluginError } from './plugin-error.ts';

type Workflows = Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'bundlerOptions'>;

/**
 * The workflows of a worker: the product's, which must hold those of mailboxes, or only those of mailboxes. Without the
 * workflows of mailboxes, the worker would take their tasks and fail each one, unseen.
 *
 * @throws {PluginError} when a bundle that was made ahead does not hold them. Code that `Worker.create` bundles is
 * refused there, with the same error
 */
export function workflowsOf({ workflowBundle, workflowsPath, bundlerOptions }: Workflows): Workflows {
  if (workflowBundle !== undefined) {
    requireMailboxes(
      'code' in workflowBundle ? workflowBundle.code : readFileSync(workflowBundle.codePath, 'utf8'),
      'The workflow bundle',
    );
    return { workflowBundle };
  }
  if (workflowsPath === undefined) return { workflowsPath: WORKFLOWS_PATH };
  return { workflowsPath, bundlerOptions: refusingBuilds(workflowsPath, bundlerOptions) };
}

/** Adds a check of what Temporal's bundler makes, after the product's own changes to its configuration. */
function refusingBuilds(
  workflowsPath: string,
  { webpackConfigHook: own = (config) => config, ...options }: NonNullable<Workflows['bundlerOptions']> = {},
): NonNullable<Workflows['bundlerOptions']> {
  return {
    ...options,
    webpackConfigHook: (config) => {
      const configured = own(config);
      return {
        ...configured,
        plugins: [
          ...(configured.plugins ?? []),
          (compiler) =>
            compiler.hooks.emit.tap('tidemark', ({ assets }) => {
              const code = Object.values(assets).map((asset) => String(asset.source()));
              requireMailboxes(code.join('\n'), workflowsPath);
            }),
        ],
      };
    },
  };
}

/** Every build of a mailbox's workflow names the attribute by which it shows its phase, and nothing else does. */
function requireMailboxes(code: string, place: string): void {
  if (code.includes(PHASE_ATTRIBUTE.name)) return;
  throw new PluginError(
    `${place} does not hold the workflow of mailboxes, so that no mailbox would ever go on. ` +
      "Add to the product's workflows: export * from 'tidemark/workflows';",
  );
}
