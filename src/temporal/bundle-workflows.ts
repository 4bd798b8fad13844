import { execFile } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

import { workflowTracingModules } from '../telemetry/workflow-tracing-modules.ts';
import { CannotDoError } from '../model/program-errors.ts';

/** The module that exports the workflows of mailboxes. */
export const WORKFLOWS_PATH = fileURLToPath(new URL(`../workflows/index${extname(import.meta.url)}`, import.meta.url));

/** Lets mailboxes go on after arguments that are no JSON. This is a path, because Temporal's SDK loads the module. */
export const PAYLOAD_CONVERTER_PATH = fileURLToPath(
  new URL(`../workflows/payload-converter${extname(import.meta.url)}`, import.meta.url),
);

const TRACED = '--traced';

/** The bundle is 1.7 MB. */
const LARGEST_OUTPUT = 64 * 2 ** 20;

/**
 * Bundles the workflows' code from its source, in a separate process: bundling takes 150 MB, which a worker would never
 * release.
 *
 * @param options.traced - true adds the interceptors that trace workflows
 * @throws {Error} when the code cannot be bundled, with what the bundler said; the signal's reason when it aborts
 */
export async function bundleWorkflows({
  signal,
  traced = false,
}: { signal?: AbortSignal | undefined; traced?: boolean } = {}): Promise<{ readonly code: string }> {
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [fileURLToPath(import.meta.url), ...(traced ? [TRACED] : [])],
      { maxBuffer: LARGEST_OUTPUT, signal, windowsHide: true },
    );
    return { code: stdout };
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new CannotDoError('workflow-bundle', `The workflows could not be bundled: ${reason}`, { cause: error });
  }
}

if (import.meta.main) {
  const { code } = await bundleWorkflowCode({
    workflowsPath: WORKFLOWS_PATH,
    payloadConverterPath: PAYLOAD_CONVERTER_PATH,
    workflowInterceptorModules: process.argv.includes(TRACED) ? workflowTracingModules() : [],
    logger: new DefaultLogger('ERROR'),
  });
  process.stdout.write(code);
}
