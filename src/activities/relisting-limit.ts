import type { MessagePage } from '../gmail/api/gmail-api.ts';
import type { MessageId } from '../model/ids.ts';
import type { Admissions } from '../store/fetching/fetching-store.ts';

type Listed = MessagePage['messages'][number];

/**
 * Decides which messages of a relisting are within a scope's limit, as the first listing decided.
 *
 * Mail that has arrived since then takes no place within the limit. Deleted messages keep their places. So if some
 * messages within the limit were deleted, as many of the lowest listed messages are within the limit only if they are
 * newer than the deleted ones, which their dates show. A deleted message without a date counts if the first listing
 * showed it above one that is still there. Otherwise it is left out of account: to lack mail is worse than to hold some
 * more.
 *
 * A message that leaves while this listing goes on may give its place to the next older one. So only the end of the
 * listing decides over what lies below the last message that the first listing let in.
 */
export class RelistingLimit {
  readonly #limit: number;
  readonly #entered: ReadonlySet<MessageId>;
  /** The messages of this listing that take a place. Pages that shift during the listing show some messages twice. */
  readonly #counted = new Set<MessageId>();
  /** Messages below which the first listing let in none, with the places that they take, from 1. */
  #open: { readonly message: Listed; readonly place: number }[] = [];
  #lastAdmitted: MessageId | null = null;
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

  /** Whether the end of the listing has something to decide. */
  get isOpen(): boolean {
    return this.#open.length > 0;
  }

  /** The lowest message so far that the first listing let in; null while there is none. */
  get lastAdmitted(): MessageId | null {
    return this.#lastAdmitted;
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
      this.#open.push({ message, place: this.#counted.size });
      if (!isAdmitted) continue;
      this.#lastAdmitted = message.id;
      taken.push(...this.#open.map((one) => one.message));
      this.#open = [];
    }
    return taken;
  }

  /**
   * After the last page.
   *
   * @param deleted - how many messages within the limit have left the scope by now, and have dates to compare with
   * @returns the messages that are within the limit, and those whose dates decide
   */
  end(deleted: number): { readonly within: readonly Listed[]; readonly byDate: readonly Listed[] } {
    const sure = this.#limit - deleted;
    const open = this.#open.map(({ message, place }) => ({ message, isWithin: place <= sure }));
    return {
      within: open.filter(({ isWithin }) => isWithin).map(({ message }) => message),
      byDate: open.filter(({ isWithin }) => !isWithin).map(({ message }) => message),
    };
  }
}
