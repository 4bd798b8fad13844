/**
 * Tells followers of the change feed that something was committed. A signal may be late or lost, so followers also look
 * by themselves.
 */
export interface ChangeSignal {
  /** Says that changes of a mailbox were committed. Never throws, and nobody waits for it. */
  announce(mailboxKey: number): void;
  /** Calls `onChange` after commits of this process and others; null stands for any mailbox. */
  listen(onChange: (mailboxKey: number | null) => void): ChangeListener;
  close(): Promise<void>;
}

export interface ChangeListener {
  /** Listens again if the connection or the file watch was lost. Called now and then. */
  renew(): void;
  stop(): void;
}

/** Listeners of one process. */
export class LocalListeners {
  readonly #listeners = new Set<(mailboxKey: number | null) => void>();

  get count(): number {
    return this.#listeners.size;
  }

  add(onChange: (mailboxKey: number | null) => void): () => void {
    // A function of its own, so that one callback may listen twice.
    const listener = (mailboxKey: number | null): void => onChange(mailboxKey);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(mailboxKey: number | null): void {
    for (const listener of this.#listeners) listener(mailboxKey);
  }
}
