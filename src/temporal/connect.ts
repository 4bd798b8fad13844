import { Client, Connection } from '@temporalio/client';

import { ServerUnreachableError } from '../client/errors.ts';
import { toTidemarkError } from '../client/temporal-errors.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';
import type { Tracing } from '../telemetry/open-tracing.ts';
import { readInstance } from './dev-server/instance-file.ts';
import { isListening } from './dev-server/ports.ts';
import { dataConverterOf } from './payload-codec.ts';

/**
 * A remote server answers within seconds. A server on this machine that listens may be busy. Where nothing listens yet,
 * a server may just be starting.
 */
const CONNECT_TIMEOUT = { away: 5_000, listening: 10_000, silent: 2_000 };
const HERE = /^(localhost|127\.[\d.]+|\[::1\]):/;
const DEFAULT_TEMPORAL_ADDRESS = 'localhost:7233';

/** A client that encodes payloads as configured, and takes part in traces. */
export async function temporalClientOf(
  config: Config,
  { connection, clock, tracing }: { connection: Connection; clock: Clock; tracing: Tracing | null },
): Promise<Client> {
  return new Client({
    connection,
    namespace: config.temporal.namespace,
    interceptors: { workflow: tracing?.clientInterceptors ?? [] },
    dataConverter: await dataConverterOf(config, clock),
  });
}

/** @throws {TidemarkError} when the server does not answer, or refuses */
export async function connectTemporal(config: Config): Promise<Connection> {
  const { namespace, options } = config.temporal;
  const address = temporalAddressOf(config);
  try {
    return await Connection.connect({
      ...options,
      address,
      connectTimeout: CONNECT_TIMEOUT[await whereIs(address)],
    });
  } catch (error) {
    const known = toTidemarkError(error, { address, namespace });
    throw known === error ? new ServerUnreachableError(address, { cause: error }) : known;
  }
}

async function whereIs(address: string): Promise<keyof typeof CONNECT_TIMEOUT> {
  if (!HERE.test(address)) return 'away';
  return (await isListening(address)) ? 'listening' : 'silent';
}

/**
 * The configured address, else that of the server that `npm start` runs for the data directory, else Temporal's
 * default.
 */
export function temporalAddressOf(config: Config): string {
  return config.temporal.address ?? readInstance(config.dataDir)?.address ?? DEFAULT_TEMPORAL_ADDRESS;
}
