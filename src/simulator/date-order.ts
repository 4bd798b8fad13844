import { byDateDescending, type Place, type SimulatedMessage } from './simulated-message.ts';

/**
 * The messages of a mailbox, newest first, as messages.list walks them. They are stored oldest first, because mail
 * mostly arrives in order and appending is cheap. Messages that arrived out of order are sorted in on the next read.
 */
export class DateOrder {
  #ascending: SimulatedMessage[] = [];
  #sorted = true;

  add(message: SimulatedMessage): void {
    const last = this.#ascending.at(-1);
    if (last !== undefined && byDateDescending(message, last) > 0) this.#sorted = false;
    this.#ascending.push(message);
  }

  remove(message: SimulatedMessage): void {
    this.#sort();
    const index = this.#countBefore(message);
    if (this.#ascending[index] === message) this.#ascending.splice(index, 1);
  }

  /** Newest first; with `after`, only the messages after that place, whether or not a message still stands there. */
  *newestFirst(after?: Place): Generator<SimulatedMessage> {
    this.#sort();
    const from = after === undefined ? this.#ascending.length : this.#countBefore(after);
    for (let i = from - 1; i >= 0; i--) {
      const message = this.#ascending[i];
      if (message !== undefined) yield message;
    }
  }

  #sort(): void {
    if (this.#sorted) return;
    this.#ascending.sort((a, b) => byDateDescending(b, a));
    this.#sorted = true;
  }

  /** How many messages are older than the place. */
  #countBefore(place: Place): number {
    let low = 0;
    let high = this.#ascending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const message = this.#ascending[middle];
      if (message !== undefined && byDateDescending(place, message) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
