import type { Clock } from '../../model/clock.ts';
import type { ChangeListener, ChangeSignal } from '../engines/change-signal.ts';

/** Every so often (ms) a follower looks without having been woken, since a wake may be lost. */
const LOOK_EVERY = 5_000;
/**
 * Ms between the write of another process and the look for what it committed: the write is seen a moment before the
 * commit.
 */
const SETTLE = 5;

/** Waits for commits, and remembers those that come while nobody waits. */
export class FeedWakes {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #listener: ChangeListener;
  readonly #keys = new Set<number>();
  /** Whether another mailbox than those of `#keys` may have changed. */
  #any = false;
  #waiting: AbortController | null = null;

  constructor(changes: ChangeSignal, clock: Clock, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#signal = signal;
    this.#listener = changes.listen((mailboxKey) => {
      if (mailboxKey === null) this.#any = true;
      else this.#keys.add(mailboxKey);
      this.#waiting?.abort();
    });
  }

  /** @returns the mailboxes to look at; null for all. Returns early when the signal aborts */
  async next(): Promise<readonly number[] | null> {
    if (!this.#any && this.#keys.size === 0 && !(await this.#woken())) {
      this.#listener.renew();
      return null;
    }
    if (this.#any) await this.#sleep(SETTLE);
    const keys = this.#any ? null : [...this.#keys];
    this.#any = false;
    this.#keys.clear();
    return keys;
  }

  async #woken(): Promise<boolean> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    await this.#sleep(LOOK_EVERY, waiting.signal);
    this.#waiting = null;
    return waiting.signal.aborted;
  }

  stop(): void {
    this.#listener.stop();
  }

  async #sleep(milliseconds: number, wake?: AbortSignal): Promise<void> {
    const signals = [this.#signal, wake].filter((signal) => signal !== undefined);
    await this.#clock.sleep(milliseconds, AbortSignal.any(signals)).catch(() => undefined);
  }
}
