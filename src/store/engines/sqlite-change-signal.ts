import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { IN_MEMORY } from '../../model/database-location.ts';
import { LocalListeners, type ChangeListener, type ChangeSignal } from './change-signal.ts';

/**
 * Commits of this process are announced directly. Those of other processes write the file `-wal` beside the database,
 * which is watched while somebody listens. The folder is watched, because the file comes and goes with its connections.
 */
export class SqliteChangeSignal implements ChangeSignal {
  readonly #path: string;
  readonly #listeners = new LocalListeners();
  #watcher: FSWatcher | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  announce(mailboxKey: number): void {
    this.#listeners.tell(mailboxKey);
  }

  listen(onChange: (mailboxKey: number | null) => void): ChangeListener {
    const remove = this.#listeners.add(onChange);
    this.#watch();
    return {
      renew: () => this.#watch(),
      stop: () => {
        remove();
        if (this.#listeners.count === 0) this.#unwatch();
      },
    };
  }

  async close(): Promise<void> {
    this.#unwatch();
  }

  #watch(): void {
    if (this.#watcher !== null || this.#path === IN_MEMORY) return;
    const wal = `${basename(this.#path)}-wal`;
    try {
      const watcher = watch(dirname(this.#path), { persistent: false }, (_event, file) => {
        if (file === null || file === wal) this.#listeners.tell(null);
      });
      watcher.on('error', () => this.#unwatch());
      this.#watcher = watcher;
    } catch {
      // The system's watches are used up, or the folder cannot be watched. Followers still look by themselves.
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }
}
