import {
  isGrpcCancelledError,
  isGrpcDeadlineError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { NamespaceNotFoundError as TemporalNamespaceNotFoundError } from '@temporalio/common';

import type { MailboxId } from '../model/ids.ts';
import { TidemarkError } from '../model/tidemark-error.ts';
import {
  MailboxNotRunningError,
  MailboxSwampedError,
  NamespaceNotFoundError,
  ServerRefusedError,
  ServerUnreachableError,
  TemporalFailureError,
} from './errors.ts';
import { GRPC_STATUS, grpcCodeOf, grpcDetailsOf } from './grpc-error.ts';

/** What a failed call was about, for the message. */
export interface CallSubject {
  readonly address: string;
  readonly namespace: string;
  readonly mailbox?: MailboxId;
}

/** Translates Temporal's errors into the client's. Other errors pass unchanged. */
export function toTidemarkError(error: unknown, subject: CallSubject): unknown {
  if (error instanceof TidemarkError) return error;
  if (error instanceof TemporalNamespaceNotFoundError)
    return new NamespaceNotFoundError(subject.namespace, { cause: error });
  if (error instanceof WorkflowNotFoundError && subject.mailbox !== undefined)
    return new MailboxNotRunningError(subject.mailbox, { cause: error });
  if (isClosed(error)) return new TemporalFailureError('The connection to Temporal was closed.', { cause: error });
  if (isUnreachable(error)) return new ServerUnreachableError(subject.address, { cause: error });
  const code = grpcCodeOf(error);
  if (code === GRPC_STATUS.permissionDenied || code === GRPC_STATUS.unauthenticated)
    return new ServerRefusedError(subject.address, { cause: error });
  if (code === null) return error;
  const isSwamped = code === GRPC_STATUS.invalidArgument && /limit for signal events/.test(grpcDetailsOf(error));
  if (isSwamped && subject.mailbox !== undefined) return new MailboxSwampedError(subject.mailbox, { cause: error });
  const about = subject.mailbox === undefined ? '' : ` about ${subject.mailbox}`;
  return new TemporalFailureError(`Temporal at ${subject.address} answers an error${about}: ${grpcDetailsOf(error)}`, {
    cause: error,
  });
}

/** What gRPC's library says of a call after the connection was closed here. */
const CLOSED = 'Channel has been shut down';

function isClosed(error: unknown): boolean {
  return error instanceof Error && (error.message === CLOSED || isClosed(error.cause));
}

/** True when the server did not answer, or not in time: the same call may succeed later. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof ServerUnreachableError || isGrpcDeadlineError(error) || isGrpcCancelledError(error)) return true;
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  return grpcCodeOf(error) === GRPC_STATUS.unavailable;
}
