import type { Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { toTidemarkError } from './temporal-errors.ts';

/** A call that takes longer counts as unanswered. */
const DEADLINE = 10_000;

export interface RpcOptions {
  readonly mailbox?: MailboxId;
  /** Milliseconds until the call is given up. */
  readonly deadline?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a call to Temporal: with a deadline, until the signal aborts, and with Temporal's errors translated. */
export type Rpc = <Result>(options: RpcOptions, call: () => Promise<Result>) => Promise<Result>;

export function createRpc({ temporal, address, clock }: { temporal: Client; address: string; clock: Clock }): Rpc {
  const { connection } = temporal;
  const namespace = temporal.options.namespace;
  return async ({ mailbox, deadline = DEADLINE, signal }, call) => {
    signal?.throwIfAborted();
    const timed = () => connection.withDeadline(clock.now() + deadline, call);
    try {
      return await (signal === undefined ? timed() : connection.withAbortSignal(signal, timed));
    } catch (error) {
      signal?.throwIfAborted();
      throw toTidemarkError(error, { address, namespace, ...(mailbox === undefined ? {} : { mailbox }) });
    }
  };
}
