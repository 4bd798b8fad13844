import type { Clock } from '../../model/clock.ts';
import type { TemporalConnection } from '../../config/temporal-connection.ts';
import type { TemporalServerError } from './temporal-server-error.ts';

export interface EnsureTemporalServerOptions {
  /** Where the server's database, log and program are kept, one server for one directory. */
  readonly dataDir: string;
  /**
   * The connection in the configuration (`config.temporal`). When it has an address, that server is used, and no server
   * is started.
   */
  readonly connection: TemporalConnection;
  /** Receives a line for a person at each step that takes time or differs from what was requested. */
  readonly log: (line: string) => void;
  readonly clock: Clock;
  /**
   * The ports to listen on; when they are taken, the next free ones. The default is the ports of the directory's last
   * server or, for its first server, Temporal's own: 7233 and 8233. 0 lets the first server take any free port.
   */
  readonly ports?: { readonly frontend?: number; readonly ui?: number };
  /** Aborts the wait for a server; has no effect on a server that was returned. */
  readonly signal?: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

/** A Temporal server that answers. */
export interface TemporalServer {
  /** `host:port`, for the connections of clients and workers. It stays the same when the server is started again. */
  readonly address: string;
  /** null when the server is not one that Tidemark started. */
  readonly uiUrl: string | null;
  /** Whether this process runs the server now; {@link stop} then stops it. */
  readonly owned: boolean;
  /** Resolves when the server is lost for good: it died, and could not be started again. Never rejects. */
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
