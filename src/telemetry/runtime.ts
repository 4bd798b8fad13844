import { IllegalStateError } from '@temporalio/common';
import { Runtime, type TelemetryOptions } from '@temporalio/worker';

import type { TelemetryConfig } from '../config/telemetry-variables.ts';
import { temporalLogger } from './temporal-logger.ts';
import type { Log } from '../host/log.ts';
import { noTelemetry, type Telemetry } from '../model/telemetry.ts';
import { histogramBuckets, meterInstruments } from './meter.ts';

/**
 * Installs Temporal's runtime, which exists once per process. `createWorker` does so by itself. A program that wants
 * another log for the runtime, or also runs workers of its own, calls this before its first worker. The runtime leaves
 * signals to the program, and ends with the last worker.
 *
 * @param log - receives what Temporal's SDK logs; from its core, only `warn` and above
 * @param telemetry - with a `metricsAddress`, the runtime serves Temporal's metrics and Tidemark's under `/metrics`
 * @returns the runtime, so that a program without a worker can call its `shutdown`
 * @throws {Error} when another process listens on that address, or a runtime is already installed
 * @see https://docs.temporal.io/references/sdk-metrics
 */
export function installRuntime(
  log: Log,
  { metricsAddress }: Pick<TelemetryConfig, 'metricsAddress'> = { metricsAddress: null },
): Runtime {
  const metrics = metricsAddress === null ? {} : { metrics: prometheusAt(metricsAddress) };
  return Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} }, ...metrics },
  });
}

/**
 * Installs the runtime, unless the program has one already: its own stays as it is.
 *
 * @returns the runtime that was installed; null when the program already had one
 * @throws {Error} when another process listens on the metrics' address
 */
export function installMissingRuntime(...request: Parameters<typeof installRuntime>): Runtime | null {
  try {
    return installRuntime(...request);
  } catch (error) {
    if (error instanceof IllegalStateError) return null;
    throw error;
  }
}

function prometheusAt(bindAddress: string): NonNullable<TelemetryOptions['metrics']> {
  return {
    attachServiceName: false,
    prometheus: {
      bindAddress,
      countersTotalSuffix: true,
      unitSuffix: true,
      useSecondsForDurations: true,
      histogramBucketOverrides: histogramBuckets(),
    },
  };
}

/** Records metrics through the installed runtime's meter; records nothing when no address is configured. */
export function telemetryOf({ metricsAddress }: Pick<TelemetryConfig, 'metricsAddress'>): Telemetry {
  if (metricsAddress === null) return noTelemetry;
  return { ...noTelemetry, ...meterInstruments(Runtime.instance().metricMeter) };
}
