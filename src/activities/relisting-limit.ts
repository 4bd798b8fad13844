import type { MessagePage } from '../gmail/api/gmail-api.ts';
import type { MessageId } from '../model/ids.ts';
import type { Admission } from '../store/fetching/fetching-store.ts';

type Listed = MessagePage['messages'][number];

/**
 * Counts down to a scope's limit where no date decides: the first listing showed no more messages than the limit, or
 * several labels have a limit each. Mail that has arrived since the first listing takes no place.
 */
export class RelistingLimit {
  readonly #limit: number;
  readonly #entered: ReadonlySet<MessageId>;
  /** The messages that take a place. Pages that shift during the listing show some messages twice. */
  readonly #counted = new Set<MessageId>();
  #leavesOut = false;

  /**
   * @param limit - the scope's limit
   * @param entered - messages that have come into the scope since: history brings them
   */
  constructor(limit: number, entered: ReadonlySet<MessageId>) {
    this.#limit = limit;
    this.#entered = entered;
  }

  /** Whether a message beyond the limit was seen. Everything further down is beyond the limit, too. */
  get leavesOut(): boolean {
    return this.#leavesOut;
  }

  /** Whether so many messages were seen that older ones, which no listing shows now, lie beyond the limit. */
  get isFull(): boolean {
    return this.#counted.size >= this.#limit;
  }

  /** The last message within the limit so far. */
  get last(): MessageId | null {
    return [...this.#counted].at(-1) ?? null;
  }

  /** @returns the messages of this page that are within the limit */
  take(page: readonly Listed[], known: ReadonlyMap<MessageId, Admission>): readonly Listed[] {
    const taken: Listed[] = [];
    for (const message of page) {
      const by = known.get(message.id)?.by ?? null;
      if (by === 'arrival' || (by === null && this.#entered.has(message.id))) continue;
      if (this.#counted.has(message.id)) continue;
      this.#leavesOut ||= this.#counted.size >= this.#limit;
      if (this.#leavesOut) break;
      this.#counted.add(message.id);
      taken.push(message);
    }
    return taken;
  }
}
