import type { Clock } from '../../model/clock.ts';
import type { ChangeListener, ChangeSignal } from './change-signal.ts';

/** A waiting reader looks at least this often (ms), since a wake may be lost. */
export const LOOK_EVERY = 5_000;
/** Ms to wait after another process was seen to write: its commit comes a moment later. */
const SETTLE = 5;

export interface CommitWakesOptions {
  readonly changes: Pick<ChangeSignal, 'listen'>;
  readonly clock: Clock;
  /** Ends every wait, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** The key of the only mailbox whose commits wake. When it is not given, the commits of all mailboxes do. */
  readonly only?: number;
}

/** Waits for commits, and remembers those that come while nobody waits. */
export class CommitWakes {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #listener: ChangeListener;
  readonly #keys = new Set<number>();
  /** Whether another mailbox than those of `#keys` may have changed. */
  #any = false;
  /** Whether {@link CommitWakes.wake} was called. */
  #called = false;
  #waiting: AbortController | null = null;

  constructor({ changes, clock, signal, only }: CommitWakesOptions) {
    this.#clock = clock;
    this.#signal = signal;
    this.#listener = changes.listen((mailboxKey) => {
      if (mailboxKey === null) this.#any = true;
      else if (only === undefined || mailboxKey === only) this.#keys.add(mailboxKey);
      else return;
      this.#waiting?.abort();
    });
  }

  /** Ends the present or the next wait although nothing was committed. */
  wake(): void {
    this.#called = true;
    this.#waiting?.abort();
  }

  /**
   * @param longest - ms after which to look in any case
   * @returns the mailboxes to look at; null for all. Returns early when the signal aborts
   */
  async next(longest: number = LOOK_EVERY): Promise<readonly number[] | null> {
    const isWoken = this.#any || this.#called || this.#keys.size > 0;
    if (!isWoken && !(await this.#woken(longest))) {
      this.#listener.renew();
      return null;
    }
    if (this.#any) await this.#sleep(SETTLE);
    const keys = this.#any ? null : [...this.#keys];
    this.#any = false;
    this.#called = false;
    this.#keys.clear();
    return keys;
  }

  async #woken(longest: number): Promise<boolean> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    await this.#sleep(longest, waiting.signal);
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
