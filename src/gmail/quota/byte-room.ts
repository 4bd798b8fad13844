/**
 * Bytes of mail, by Gmail's estimate, that a process assembles at once. Each byte briefly takes some five bytes of
 * memory.
 */
const ROOM = 32 * 2 ** 20;

/**
 * Lets work begin when there is room for its bytes, in the order of the requests, so that small messages cannot keep
 * overtaking a large one.
 */
export class ByteRoom {
  readonly #size: number;
  #held = 0;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];

  constructor(size = ROOM) {
    this.#size = size;
  }

  /** @throws the signal's reason when it aborts before there is room, and anything that `work` throws */
  async holding<Result>(bytes: number, work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    if (bytes === 0) return await work();
    const taken = Math.min(bytes, this.#size);
    await this.#enter(taken, signal);
    try {
      return await work();
    } finally {
      this.#held -= taken;
      this.#admit();
    }
  }

  async #enter(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const place = { bytes, enter: resolve };
    const abort = (): void => {
      const index = this.#waiting.indexOf(place);
      if (index === -1) return;
      this.#waiting.splice(index, 1);
      reject(signal?.reason);
      this.#admit();
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#waiting.push(place);
    this.#admit();
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * Leaves the queue and takes room in one step, so an abort either finds its place in the queue or has nothing to
   * undo.
   */
  #admit(): void {
    for (
      let first = this.#waiting[0];
      first !== undefined && this.#held + first.bytes <= this.#size;
      first = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#held += first.bytes;
      first.enter();
    }
  }
}
