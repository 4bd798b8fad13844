import type { Clock } from '../model/clock.ts';
import type { ChangeListener, ChangeSignal } from '../store/engines/change-signal.ts';

/**
 * Ms between the write of another process and the look for what it committed: the write is seen a moment before the
 * commit.
 */
const SETTLE = 5;

/** Waits for changes of one mailbox, and remembers those that come while nobody waits. */
export class MailboxNews {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #listener: ChangeListener;
  /** Ms after which to look; null when there is no news. */
  #lookAfter: number | null = null;
  #waiting: AbortController | null = null;

  /** @param mailboxKey - as announcements of commits name the mailbox */
  constructor(
    { changes, clock }: { readonly changes: Pick<ChangeSignal, 'listen'>; readonly clock: Clock },
    mailboxKey: number,
    signal: AbortSignal,
  ) {
    this.#clock = clock;
    this.#signal = signal;
    this.#listener = changes.listen((key) => {
      if (key === mailboxKey) this.wake();
      else if (key === null) this.wake(SETTLE);
    });
  }

  /** Ends the present or the next wait. */
  wake(lookAfter = 0): void {
    this.#lookAfter = Math.min(this.#lookAfter ?? lookAfter, lookAfter);
    this.#waiting?.abort();
  }

  /** Waits until there is news, the signal aborts, or the time (ms) is over. */
  async next(time: number): Promise<void> {
    if (this.#lookAfter === null) {
      const waiting = new AbortController();
      this.#waiting = waiting;
      await this.#sleep(time, AbortSignal.any([this.#signal, waiting.signal]));
      this.#waiting = null;
    }
    if (this.#lookAfter !== null && this.#lookAfter > 0) await this.#sleep(this.#lookAfter, this.#signal);
    this.#lookAfter = null;
    this.#listener.renew();
  }

  stop(): void {
    this.#listener.stop();
  }

  async #sleep(time: number, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(time, signal).catch(() => undefined);
  }
}

/**
 * Listens from the first listener on until the database is closed. Deliveries listen for moments only, and connecting
 * to PostgreSQL for each of them would cost more than one connection that stays.
 */
export function lastingListening(changes: Pick<ChangeSignal, 'listen'>): Pick<ChangeSignal, 'listen'> {
  let isKept = false;
  return {
    listen: (onChange) => {
      if (!isKept) changes.listen(() => undefined);
      isKept = true;
      return changes.listen(onChange);
    },
  };
}
