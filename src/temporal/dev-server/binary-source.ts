import type { Clock } from '../../model/clock.ts';

/** A program that Tidemark starts and does not ship. */
export type Binary = 'temporal' | 'temporal-test-server';

/** What a source receives. It puts the program into `directory`, or returns the path of one that is installed. */
export interface BinaryRequest {
  readonly binary: Binary;
  /** A fresh directory that is removed afterwards. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** One way to get a program. */
export interface BinarySource {
  /** Names the source in an error that lists all sources. */
  readonly name: string;
  /** The line to log before a source that takes time; null for one that is immediate. */
  announcement(binary: Binary): string | null;
  /** True when the program is installed and stays where it is; false when it was downloaded and goes to the cache. */
  readonly installed: boolean;
  /**
   * @returns the program's path
   * @throws {Error} when this source does not have the program; the message says why in a few words
   */
  find(search: BinaryRequest): Promise<string>;
}
