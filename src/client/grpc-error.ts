import { isGrpcServiceError } from '@temporalio/client';

/** gRPC status codes: https://grpc.io/docs/guides/status-codes/ */
export const GRPC_STATUS = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  failedPrecondition: 9,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The status code with which a call to Temporal failed; null when the error is not gRPC's. */
export const grpcCodeOf = (error: unknown): number | null => serviceErrorOf(error)?.code ?? null;

/** What the server says of the failure. */
export const grpcDetailsOf = (error: unknown): string => serviceErrorOf(error)?.details ?? 'no details';

/** Temporal's client wraps gRPC's errors. */
function serviceErrorOf(error: unknown) {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (isGrpcServiceError(cause)) return cause;
  }
  return null;
}
