import { resolve } from 'node:path';

import { z } from 'zod';

import type { Values, Variables } from './section.ts';

/** How the workers of this environment are rolled out, and what they hold. */
export interface DeploymentConfig {
  /** Name of the Worker Deployment in Temporal. All builds of one installation share it. */
  readonly name: string;
  /** The build of this worker; null runs it unversioned. */
  readonly buildId: string | null;
  /** Absolute path of workflow code that was bundled ahead; null uses the package's bundle, or else the source. */
  readonly workflowBundle: string | null;
  /** Workflows of mailboxes that a worker keeps in memory; null goes by the memory that there is. */
  readonly cachedMailboxes: number | null;
}

/**
 * Temporal joins deployment and build with a dot or a colon, so the name must not contain one.
 * https://docs.temporal.io/worker-versioning
 */
const deploymentName = z.string().regex(/^(?!__)[^.:\s]{1,200}$/);
const buildId = z.string().regex(/^(?!__)\S{1,200}$/);

export const deploymentVariables = {
  TIDEMARK_DEPLOYMENT: {
    schema: deploymentName.default('tidemark'),
    expected: 'the name of a Worker Deployment without dots, colons and spaces, for example tidemark',
  },
  TIDEMARK_BUILD_ID: {
    schema: buildId.optional(),
    expected: 'the name of a build, without spaces, for example v1.2.0',
  },
  TIDEMARK_WORKFLOW_BUNDLE: {
    schema: z.string().optional(),
    expected: 'a file that `node src/temporal/bundle-workflows.ts` has written, for example workflows.js',
  },
  TIDEMARK_CACHED_MAILBOXES: {
    schema: z.coerce.number().int().min(2).max(1_000_000).optional(),
    expected: 'a whole number from 2 to 1000000, for example 5000',
  },
} as const satisfies Variables;

export function readDeployment(values: Values<typeof deploymentVariables>, cwd: string): DeploymentConfig {
  const bundle = values.TIDEMARK_WORKFLOW_BUNDLE;
  return Object.freeze({
    name: values.TIDEMARK_DEPLOYMENT,
    buildId: values.TIDEMARK_BUILD_ID ?? null,
    workflowBundle: bundle === undefined ? null : resolve(cwd, bundle),
    cachedMailboxes: values.TIDEMARK_CACHED_MAILBOXES ?? null,
  });
}
