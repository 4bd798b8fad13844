import { isIP } from 'node:net';

import { z } from 'zod';

import { InvalidDurationError, parseDuration } from '../model/duration.ts';
import type { Values, Variables } from './section.ts';

/** Where metrics and health are served. */
export interface TelemetryConfig {
  /** `host:port` on which Prometheus finds `/metrics`; null serves no metrics. */
  readonly metricsAddress: string | null;
  /** Milliseconds between two counts of mailboxes and messages. */
  readonly metricsInterval: number;
  /** Where `/healthz` and `/readyz` are served; null serves neither. */
  readonly healthAddress: ListenAddress | null;
}

export interface ListenAddress {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** `host:port`, `[::1]:port`, or only a port, which means loopback, because there is no password. */
const listenAddress = z
  .string()
  .regex(/^((\[[\da-f:]+\]|[\w.-]+):)?\d{1,5}$/i)
  .transform((text): ListenAddress => {
    const colon = text.lastIndexOf(':');
    const host = colon === -1 ? '127.0.0.1' : text.slice(0, colon).replace(/^\[|\]$/g, '');
    return { host, port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535);

/**
 * Temporal's exporter resolves no host names, and does not say which free port it took: it needs an IP address and a
 * port.
 */
const exporterAddress = listenAddress.refine(({ host, port }) => (isIP(host) > 0 || host === 'localhost') && port > 0);

const interval = z.string().transform((text, context) => {
  try {
    const milliseconds = parseDuration(text);
    if (milliseconds >= SHORTEST_INTERVAL) return milliseconds;
  } catch (error) {
    if (!(error instanceof InvalidDurationError)) throw error;
  }
  context.addIssue('not a duration of a second or more');
  return z.NEVER;
});

const SHORTEST_INTERVAL = 1_000;

export const telemetryVariables = {
  METRICS_ADDRESS: {
    schema: exporterAddress.optional(),
    expected: 'an IP address and a port to listen on, for example 127.0.0.1:9464',
  },
  METRICS_INTERVAL: { schema: interval.default(15_000), expected: 'a duration of a second or more, for example 15s' },
  HEALTH_ADDRESS: { schema: listenAddress.optional(), expected: 'an address to listen on, for example 127.0.0.1:8081' },
} as const satisfies Variables;

export function readTelemetry(values: Values<typeof telemetryVariables>): TelemetryConfig {
  const { METRICS_ADDRESS: metrics, METRICS_INTERVAL: metricsInterval, HEALTH_ADDRESS: healthAddress = null } = values;
  return Object.freeze({
    metricsAddress: metrics === undefined ? null : joined(metrics),
    metricsInterval,
    healthAddress,
  });
}

function joined({ host, port }: ListenAddress): string {
  const address = host === 'localhost' ? '127.0.0.1' : host;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
