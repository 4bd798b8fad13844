/**
 * A place for bodies outside the database: a folder, or a bucket. An object never changes once it is written, so
 * writing it twice, from two processes at once, or again after a crash leaves the same object.
 *
 * @throws {StoreError} `unavailable` from every method, when the place cannot be used
 */
export interface BodyStore {
  /** Names the place in messages; holds no secret. */
  readonly url: string;
  /**
   * Writes an object. When this returns, the object survives a crash of the machine (folder), or the server has
   * acknowledged it (bucket).
   */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** null when there is no such object. */
  get(name: string): Promise<Uint8Array | null>;
  /** Removes an object. Does nothing when it does not exist. */
  remove(name: string): Promise<void>;
  /**
   * Removes half-written objects of crashed writers.
   *
   * @param before - epoch milliseconds; a newer one may belong to a writer that is still at work
   */
  tidy(before: number): Promise<void>;
  close(): Promise<void>;
}
