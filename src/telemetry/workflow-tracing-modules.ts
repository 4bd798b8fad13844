import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The files of the interceptors that trace workflows, for the bundler. The order matters: the second interceptor reads
 * the headers that the first one writes.
 */
export function workflowTracingModules(): string[] {
  const own = fileURLToPath(new URL(`../workflows/tracing/trace-per-run${extname(import.meta.url)}`, import.meta.url));
  return [
    createRequire(import.meta.url).resolve('@temporalio/interceptors-opentelemetry/lib/workflow-interceptors.js'),
    own,
  ];
}
