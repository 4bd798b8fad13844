/**
 * A place outside the database where bodies lie: a folder, or a bucket. An object is never changed once it is written under its name,
 * so writing it twice, from two processes at once, or again after a crash leaves the same object.
 *
 * @throws {StoreError} `unavailable` from every method, when the place cannot be used
 */
export interface BodyStore {
  /** Names the place in messages; holds no secret. */
  readonly url: string;
  /** Writes an object. When it returns the object outlives a crash of this machine (a folder), or is acknowledged (a bucket). */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** null when there is no such object. */
  get(name: string): Promise<Uint8Array | null>;
  /** Removes an object; one that is not there is no error. */
  remove(name: string): Promise<void>;
  /**
   * Removes what crashed writers left half-written.
   *
   * @param before - epoch milliseconds: what is newer may still be at work
   */
  tidy(before: number): Promise<void>;
  close(): Promise<void>;
}
