import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The interceptors that trace workflows, as files for the bundler. The order counts: the second sees what the first has
 * put into headers.
 */
export function workflowTracingModules(): string[] {
  const own = fileURLToPath(new URL(`../workflows/tracing/trace-per-run${extname(import.meta.url)}`, import.meta.url));
  return [
    createRequire(import.meta.url).resolve('@temporalio/interceptors-opentelemetry/lib/workflow-interceptors.js'),
    own,
  ];
}
