import type { Clock } from '../../model/clock.ts';
import type { TemporalConnection } from '../../config/temporal-connection.ts';
import type { TemporalServerError } from './temporal-server-error.ts';

export interface EnsureTemporalServerOptions {
  /** Where the server's database, log and program are kept, one server for one directory. */
  readonly dataDir: string;
  /** What the environment names (`config.temporal`). With an address in it, that server is used and none is started. */
  readonly connection: TemporalConnection;
  /** Gets a line, for a person, for each step that takes time or differs from what was asked for. */
  readonly log: (line: string) => void;
  readonly clock: Clock;
  /**
   * The ports to listen on, or the next free ones. By default those of the last server of the directory, at first
   * Temporal's own: 7233 and 8233. 0 at first takes any.
   */
  readonly ports?: { readonly frontend?: number; readonly ui?: number };
  /** Aborts the waiting for a server, not the server that was returned. */
  readonly signal?: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

/** A Temporal server that answers. */
export interface TemporalServer {
  /** `host:port`, for the connections of clients and workers. It stays the same when the server is started again. */
  readonly address: string;
  /** null when the server is not one that Tidemark started. */
  readonly uiUrl: string | null;
  /** Whether this process runs it now, and stops it by {@link stop}. */
  readonly owned: boolean;
  /** Resolves when the server is gone for good: it died, and starting it again failed. Never rejects. */
  readonly lost: Promise<TemporalServerError>;
  /** Stops the server if this process runs it; otherwise leaves it alone. */
  stop(): Promise<void>;
}

/** A running server as one process sees it. */
export interface Holding {
  readonly pid: number;
  readonly address: string;
  readonly uiUrl: string | null;
  /** null when another process started it. */
  readonly own: { readonly exited: Promise<void>; stop(): Promise<void> } | null;
}
