import { sql, type Kysely } from 'kysely';
import { LocalListeners, type ChangeListener, type ChangeSignal } from './change-signal.ts';
import type { Notifications } from './postgres-pool.ts';
import type { Schema } from './schema.ts';

const CHANNEL = 'tidemark_changes';
/** PostgreSQL takes payloads of less than 8,000 bytes; a key has at most 20. */
const MOST_KEYS = 300;

/**
 * NOTIFY and LISTEN. A notification is a statement of its own, after the commit: within the writing transaction it
 * would make all commits take turns. Mailboxes that wait to be announced share one notification.
 */
export class PostgresChangeSignal implements ChangeSignal {
  readonly #db: Kysely<Schema>;
  readonly #connect: () => Promise<Notifications>;
  readonly #listeners = new LocalListeners();
  readonly #pending = new Set<number>();
  #sending = false;
  #connection: Promise<void> | null = null;
  #open: Notifications | null = null;
  #closed = false;

  /** @param connect - opens a connection that waits for notifications; it is kept while somebody listens */
  constructor(db: Kysely<Schema>, connect: () => Promise<Notifications>) {
    this.#db = db;
    this.#connect = connect;
  }

  announce(mailboxKey: number): void {
    this.#pending.add(mailboxKey);
    if (!this.#sending) void this.#send();
  }

  listen(onChange: (mailboxKey: number | null) => void): ChangeListener {
    const remove = this.#listeners.add(onChange);
    this.#listen();
    return {
      renew: () => this.#listen(),
      stop: () => {
        remove();
        if (this.#listeners.count === 0) void this.#hangUp();
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#hangUp();
  }

  async #send(): Promise<void> {
    this.#sending = true;
    try {
      while (this.#pending.size > 0 && !this.#closed) {
        const keys = [...this.#pending].slice(0, MOST_KEYS);
        for (const key of keys) this.#pending.delete(key);
        await sql`select pg_notify(${CHANNEL}, ${keys.join()})`.execute(this.#db);
      }
    } catch {
      // The database is away, or closing. Followers look by themselves every few seconds.
      this.#pending.clear();
    } finally {
      this.#sending = false;
    }
  }

  #listen(): void {
    if (this.#closed || this.#connection !== null) return;
    this.#connection = this.#connect().then(
      async (connection) => {
        this.#open = connection;
        connection.onEnd(() => {
          if (this.#open !== connection) return;
          this.#open = null;
          this.#connection = null;
        });
        connection.onNotification((payload) => {
          for (const key of payload.split(',')) this.#listeners.tell(Number(key));
        });
        await connection.listen(CHANNEL).then(
          // Commits before this moment were not announced to this connection.
          () => this.#listeners.tell(null),
          () => connection.end(),
        );
        if (this.#closed || this.#listeners.count === 0) await this.#hangUp();
      },
      () => {
        this.#connection = null;
      },
    );
  }

  async #hangUp(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    this.#connection = null;
    await open.end();
  }
}
