import { Runtime, type TelemetryOptions } from '@temporalio/worker';

import type { TelemetryConfig } from '../config/telemetry-variables.ts';
import { temporalLogger } from './temporal-logger.ts';
import type { Log } from '../host/log.ts';
import { noTelemetry, type Telemetry } from '../model/telemetry.ts';
import { histogramBuckets, meterInstruments } from './meter.ts';

/**
 * Installs Temporal's runtime. There is one runtime per process, so the program that owns the process installs it
 * before it creates any worker. With a `metricsAddress`, the runtime serves Temporal's metrics and ours under
 * `/metrics`.
 *
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
