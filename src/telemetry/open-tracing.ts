import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';

import type { TracingConfig } from '../config/tracing.ts';
import type { Telemetry } from '../model/telemetry.ts';

/** What tracing adds to a client, to a worker and to our own calls, so that one trace spans them. */
export interface Tracing {
  readonly span: Telemetry['span'];
  readonly clientInterceptors: WorkflowClientInterceptor[];
  /** The workflows' bundle must hold the modules that these name: see `bundleWorkflows`. */
  readonly workerOptions: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /**
   * Sends what has ended so far. A collector that does not answer is not waited for longer than
   * OTEL_BSP_EXPORT_TIMEOUT.
   */
  flush(): Promise<void>;
}

/**
 * Traces by OpenTelemetry, or null where no exporter is configured: nothing of it is loaded then. One for the process,
 * as OpenTelemetry itself is. The exporter, its batches, the sampler and the resource follow the standard `OTEL_*`
 * variables of the process.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function openTracing({ isOn, protocol }: TracingConfig): Promise<Tracing | null> {
  if (!isOn) return null;
  const { tracing } = await import('./tracing.ts');
  return await tracing(protocol);
}
