import type { MetricCounter, MetricGauge, MetricHistogram, MetricMeter } from '@temporalio/common';

import {
  METRICS,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type MetricDefinition,
  type Telemetry,
} from '../model/telemetry.ts';

/** The methods of {@link Telemetry} for the three kinds of instruments. */
export type Instruments = Pick<Telemetry, 'add' | 'set' | 'observe'>;

/** Temporal's exporter appends this to the names of counters by itself (`countersTotalSuffix`). */
const SUFFIX = /_total$/;

/** Upper bounds of the histograms, for the exporter's `histogramBucketOverrides`. */
export function histogramBuckets(): Record<string, number[]> {
  const definitions: readonly (readonly [string, MetricDefinition])[] = Object.entries(METRICS);
  return Object.fromEntries(
    definitions.flatMap(([name, { buckets }]) => (buckets === undefined ? [] : [[name, [...buckets]]])),
  );
}

/**
 * Records our metrics through Temporal's own meter, so that one exporter serves both.
 *
 * @see https://typescript.temporal.io/api/interfaces/common.MetricMeter
 */
export function meterInstruments(meter: MetricMeter): Instruments {
  const counters = new Map<CounterName, MetricCounter>();
  const gauges = new Map<GaugeName, MetricGauge>();
  const histograms = new Map<HistogramName, MetricHistogram>();
  return {
    add: (name, value, labels) => {
      const counter = kept(counters, name, () => meter.createCounter(name.replace(SUFFIX, ''), '', METRICS[name].help));
      counter.add(value, { ...labels });
    },
    set: (name, value, labels) => {
      const gauge = kept(gauges, name, () => meter.createGauge(name, 'float', '', METRICS[name].help));
      gauge.set(value, { ...labels });
    },
    observe: (name, value, labels) => {
      const histogram = kept(histograms, name, () => meter.createHistogram(name, 'float', '', METRICS[name].help));
      histogram.record(Math.max(0, value), { ...labels });
    },
  };
}

function kept<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
