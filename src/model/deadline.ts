import type { Clock } from './clock.ts';

/** Thrown when an answer did not come in time. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
}

/** A reason of our own: the default one, an exception with a stack, costs more than the rest of this file. */
const ANSWERED = Symbol('answered');

/**
 * Runs a call with a deadline. The promise ends at once when the time is over or the caller aborts, even if the call
 * does not stop: its signal is aborted, and a late answer is dropped.
 *
 * @param options.milliseconds - time the call may take
 * @throws {DeadlineExceededError} when the time is over
 * @throws the reason of `options.signal` when that aborts
 */
export async function withDeadline<Result>(
  options: { readonly clock: Clock; readonly milliseconds: number; readonly signal: AbortSignal | undefined },
  run: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { clock, milliseconds, signal } = options;
  signal?.throwIfAborted();
  const call = new AbortController();
  const timer = new AbortController();
  const stop = (): void => call.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  const stopped = new Promise<never>((_, reject) => {
    call.signal.addEventListener('abort', () => reject(call.signal.reason), { once: true });
  });
  clock.sleep(milliseconds, timer.signal).then(
    () => call.abort(new DeadlineExceededError(`no answer within ${milliseconds} ms`)),
    () => {
      // The call ended before its deadline.
    },
  );
  try {
    return await Promise.race([run(call.signal), stopped]);
  } finally {
    timer.abort(ANSWERED);
    signal?.removeEventListener('abort', stop);
  }
}
