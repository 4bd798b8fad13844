import { NativeConnection } from '@temporalio/worker';

import { registerSearchAttributes } from '../client/register-search-attributes.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../host/log.ts';
import type { Clock } from '../model/clock.ts';
import { connectTemporal, temporalAddressOf } from './connect.ts';

const RETRY_PAUSE = 2_000;

/**
 * Connects a worker, which may start before its server: each failed attempt is logged, and repeated until the server
 * answers.
 *
 * @throws the signal's reason when it aborts
 */
export async function connectPatiently({
  config,
  log,
  clock,
  signal,
}: {
  config: Config;
  log: Log;
  clock: Clock;
  signal: AbortSignal | undefined;
}): Promise<NativeConnection> {
  const address = temporalAddressOf(config);
  for (;;) {
    signal?.throwIfAborted();
    try {
      const registrar = await connectTemporal(config);
      try {
        await registerSearchAttributes({
          connection: registrar,
          namespace: config.temporal.namespace,
          clock,
          ...(signal === undefined ? {} : { signal }),
        });
      } finally {
        await registrar.close();
      }
      return await NativeConnection.connect({ ...config.temporal.options, address });
    } catch (error) {
      signal?.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ temporal: address, reason }, 'the Temporal server cannot be used yet; trying again');
    }
    await clock.sleep(RETRY_PAUSE, signal);
  }
}
