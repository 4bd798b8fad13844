import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';

import type { TracingConfig } from '../config/tracing-variables.ts';
import { requireInstalled } from '../host/optional-packages.ts';
import type { Telemetry } from '../model/telemetry.ts';

/** What tracing adds to a client, a worker and our own calls, so that one trace spans them all. */
export interface Tracing {
  readonly span: Telemetry['span'];
  readonly clientInterceptors: WorkflowClientInterceptor[];
  /** The workflows' bundle must hold the modules that these name: see `bundleWorkflows`. */
  readonly workerOptions: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /** Sends the spans that have ended so far. It gives up on a silent collector after OTEL_BSP_EXPORT_TIMEOUT. */
  flush(): Promise<void>;
}

/**
 * Opens tracing with OpenTelemetry; null when no exporter is configured, and OpenTelemetry is then not loaded. Like
 * OpenTelemetry itself, it exists once per process. The process's standard `OTEL_*` variables configure the exporter,
 * its batches, the sampler and the resource.
 *
 * @throws {CannotDoError} when OpenTelemetry's packages are not installed
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function openTracing({ isOn, protocol }: TracingConfig): Promise<Tracing | null> {
  if (!isOn) return null;
  requireInstalled('traces');
  const { tracing } = await import('./tracing.ts');
  return await tracing(protocol);
}
