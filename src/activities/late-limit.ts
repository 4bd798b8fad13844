import type { MessagePage } from '../gmail/api/gmail-api.ts';
import type { MessageId } from '../model/ids.ts';
import type { Admissions } from '../store/fetching/fetching-store.ts';

type Listed = MessagePage['messages'][number];

/**
 * Decides which messages of a later listing are within a scope's limit, as the first listing decided.
 *
 * Mail that has arrived since then takes no place within the limit. Deleted messages keep their places. So if some
 * messages within the limit were deleted, as many of the lowest listed messages are within the limit only if they are
 * newer than the deleted ones, which their dates show. A deleted message without a date is left out of account: to lack
 * mail is worse than to hold some more.
 */
export class LateLimit {
  readonly #limit: number;
  readonly #sure: number;
  readonly #entered: ReadonlySet<MessageId>;
  /** The messages of this listing that take a place. Pages that shift during the listing show some messages twice. */
  readonly #counted = new Set<MessageId>();
  /** Messages that only their dates can let in, since the first listing let in no message below them. */
  #open: Listed[] = [];
  #leavesOut = false;

  /**
   * @param limit - the scope's limit
   * @param deleted - how many messages within the limit have left the scope since, and have dates to compare with
   * @param entered - messages that have come into the scope since: history brings them
   */
  constructor(limit: number, deleted: number, entered: ReadonlySet<MessageId>) {
    this.#limit = limit;
    this.#sure = Math.max(0, limit - deleted);
    this.#entered = entered;
  }

  /** Whether a message beyond the limit was seen. Everything further down is beyond the limit, too. */
  get leavesOut(): boolean {
    return this.#leavesOut;
  }

  /** @returns the messages, of this page and of those before, that are certainly within the limit */
  take(page: readonly Listed[], known: Admissions): readonly Listed[] {
    const taken: Listed[] = [];
    for (const message of page) {
      const isAdmitted = known.admitted.has(message.id);
      if (!isAdmitted && (this.#entered.has(message.id) || known.arrived.has(message.id))) continue;
      if (this.#counted.has(message.id)) continue;
      this.#leavesOut ||= this.#counted.size >= this.#limit;
      if (this.#leavesOut) break;
      this.#counted.add(message.id);
      this.#open.push(message);
      if (this.#counted.size > this.#sure && !isAdmitted) continue;
      taken.push(...this.#open);
      this.#open = [];
    }
    return taken;
  }

  /** After the last page. @returns the messages whose dates decide */
  rest(): readonly Listed[] {
    return this.#open;
  }
}
