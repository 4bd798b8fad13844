import { isIP } from 'node:net';

import { z } from 'zod';

import type { Values, Variables } from './section.ts';

export interface TelemetryConfig {
  /** `host:port` on which Prometheus finds `/metrics`; null for none. */
  readonly metricsAddress: string | null;
}

interface ListenAddress {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** `host:port`, `[::1]:port`, or a port alone: then on loopback, since nobody is asked for a password. */
const listenAddress = z
  .string()
  .regex(/^((\[[\da-f:]+\]|[\w.-]+):)?\d{1,5}$/i)
  .transform((text): ListenAddress => {
    const colon = text.lastIndexOf(':');
    const host = colon === -1 ? '127.0.0.1' : text.slice(0, colon).replace(/^\[|\]$/g, '');
    return { host, port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535);

/** Temporal's exporter takes an IP address, for it looks up no names, and tells nobody which free port it took. */
const exporterAddress = listenAddress.refine(({ host, port }) => (isIP(host) > 0 || host === 'localhost') && port > 0);

export const telemetryVariables = {
  METRICS_ADDRESS: { schema: exporterAddress.optional(), expected: 'an IP address and a port to listen on, for example 127.0.0.1:9464' },
} as const satisfies Variables;

export function readTelemetry(values: Values<typeof telemetryVariables>): TelemetryConfig {
  const { METRICS_ADDRESS: metrics } = values;
  return Object.freeze({ metricsAddress: metrics === undefined ? null : joined(metrics) });
}

function joined({ host, port }: ListenAddress): string {
  const address = host === 'localhost' ? '127.0.0.1' : host;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
