import type { Clock } from '../../model/clock.ts';

/** A program that Tidemark starts and does not ship. */
export type Binary = 'temporal' | 'temporal-test-server';

/** What a source is given. It leaves the program in `directory`, or names one that is there already. */
export interface Search {
  readonly binary: Binary;
  /** A fresh directory that is removed afterwards. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** One way to get a program. */
export interface BinarySource {
  /** As it stands in an error that names all sources. */
  readonly name: string;
  /** Said before a source that takes time; null for one that takes none. */
  announcement(binary: Binary): string | null;
  /** True when the program is installed and stays where it is; false when it was downloaded and goes to the cache. */
  readonly installed: boolean;
  /**
   * @returns the program's path
   * @throws {Error} when this source does not have it: why, in a few words
   */
  find(search: Search): Promise<string>;
}
