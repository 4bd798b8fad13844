import { Connection } from '@temporalio/client';

import { GRPC_STATUS, grpcCodeOf } from '../../client/grpc-error.ts';
import type { TemporalConnection } from '../../config/temporal-connection.ts';

/**
 * Why a Temporal frontend cannot be used, in a few words; null when it answers and has the namespace.
 * @param timeout milliseconds to wait for each of its two answers
 */
export async function frontendTrouble(
  address: string,
  { namespace, options }: Pick<TemporalConnection, 'namespace' | 'options'>,
  timeout: number,
): Promise<string | null> {
  const { tls, apiKey, metadata } = options;
  const connection = Connection.lazy({
    address,
    connectTimeout: timeout,
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
  });
  try {
    await connection.ensureConnected();
    // The channel is ready, so an answer should come soon. The timeout ends a server that connects but never answers.
    await connection.withAbortSignal(AbortSignal.timeout(timeout), () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return null;
  } catch (error) {
    const code = grpcCodeOf(error);
    if (code === GRPC_STATUS.notFound) return `it has no namespace "${namespace}"`;
    // An API key may be allowed to work in a namespace without being allowed to describe it.
    if (code === GRPC_STATUS.permissionDenied) return null;
    return code === GRPC_STATUS.unauthenticated
      ? 'it refuses access: check TEMPORAL_API_KEY and TEMPORAL_TLS_*'
      : 'it does not answer';
  } finally {
    await connection.close();
  }
}
