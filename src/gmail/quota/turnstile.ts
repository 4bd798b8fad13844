/** Lets callers through one at a time, in the order of their calls. */
export class Turnstile {
  #last: Promise<void> = Promise.resolve();

  /**
   * Waits for its turn.
   *
   * @returns a function that ends the turn; the caller must call it
   * @throws the signal's reason when it aborts first; the callers behind it then follow those before it
   */
  async enter(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    if (signal === undefined) {
      await before;
      return turn.resolve;
    }
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([before, aborted.promise]);
      return turn.resolve;
    } catch (error) {
      void before.then(turn.resolve);
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}
