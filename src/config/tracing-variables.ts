import { z } from 'zod';

import type { Values, Variables } from './section.ts';

/** Where traces are sent: see `OTEL_EXPORTER_OTLP_ENDPOINT` and the variables beside it. */
export interface TracingConfig {
  /** Whether an exporter is configured. The rest of `OTEL_*` is read by OpenTelemetry's own libraries. */
  readonly isOn: boolean;
  /** How spans are sent: `OTEL_EXPORTER_OTLP_PROTOCOL`. */
  readonly protocol: 'http/protobuf' | 'http/json';
}

const endpoint = z.url({ protocol: /^https?$/ });
const PROTOCOL = {
  schema: z.enum(['http/protobuf', 'http/json']).optional(),
  expected: 'http/protobuf or http/json',
} as const;
const ENDPOINT = 'the http or https address of a collector, for example http://localhost:4318';

/** @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: { schema: endpoint.optional(), expected: ENDPOINT },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: { schema: endpoint.optional(), expected: `${ENDPOINT}/v1/traces` },
  OTEL_EXPORTER_OTLP_PROTOCOL: PROTOCOL,
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: PROTOCOL,
  OTEL_TRACES_EXPORTER: { schema: z.enum(['otlp', 'none']).default('otlp'), expected: 'otlp or none' },
  OTEL_SDK_DISABLED: { schema: z.stringbool().default(false), expected: 'true or false' },
} as const satisfies Variables;

export function readTracing(values: Values<typeof tracingVariables>): TracingConfig {
  const endpoint = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? values.OTEL_EXPORTER_OTLP_ENDPOINT;
  const protocol = values.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? values.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/protobuf';
  return Object.freeze({
    protocol,
    isOn: endpoint !== undefined && values.OTEL_TRACES_EXPORTER === 'otlp' && !values.OTEL_SDK_DISABLED,
  });
}
