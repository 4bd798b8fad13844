import type { Clock } from '../model/clock.ts';
import type { HeldMessages, SeenMessage } from './held-messages.ts';
import type { Lag } from './lag.ts';
import type { Random } from './random.ts';
import type { Place } from './simulated-message.ts';

/** The messages of a mailbox as Gmail's servers show them, which lag behind what the mailbox holds. */
export class LaggingReads {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lag: Lag;
  readonly #held: HeldMessages;

  constructor({ clock, random, lag, held }: { clock: Clock; random: Random; lag: Lag; held: HeldMessages }) {
    this.#clock = clock;
    this.#random = random;
    this.#lag = lag;
    this.#held = held;
  }

  /** What the listing index shows now, newest first. */
  *listed(after: Place | undefined): Generator<SeenMessage> {
    yield* this.#held.listed(this.#clock.now(), this.#lag, after);
  }

  /** What a get reads; null when the replica that answers it has no such message. */
  message(id: string): SeenMessage | null {
    const message = this.#held.get(id);
    if (message === undefined) return null;
    const version = message.seenBy('get', this.#clock.now(), this.#replicaDelay());
    return version?.exists === true ? { message, version } : null;
  }

  /** The messages of a thread as one replica shows them, oldest first. */
  thread(threadId: string): SeenMessage[] {
    const now = this.#clock.now();
    const delay = this.#replicaDelay();
    return this.#held
      .thread(threadId)
      .map((message) => ({ message, version: message.seenBy('get', now, delay) }))
      .filter((entry): entry is SeenMessage => entry.version?.exists === true)
      .sort((a, b) => a.message.internalDate - b.message.internalDate || (a.message.id < b.message.id ? -1 : 1));
  }

  #replicaDelay(): number {
    const { getMs, getProbability } = this.#lag;
    return this.#random.chance(getMs > 0 ? getProbability : 0) ? getMs : 0;
  }
}
