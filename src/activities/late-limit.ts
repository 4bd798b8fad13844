import type { MessagePage } from '../gmail/api/gmail-api.ts';
import type { MessageId } from '../model/ids.ts';
import type { Admissions } from '../store/fetching/fetching-store.ts';

type Listed = MessagePage['messages'][number];

/**
 * Which messages of a listing, made some time after the first one, belong to the newest that a scope's limit lets in.
 *
 * Meanwhile mail has arrived, which takes no one's place, and some of the newest were deleted, whose places stay taken.
 * So as many of the lowest messages belong to them only if they are newer than what was deleted, which their dates
 * tell. Where nobody can tell, they do: to lack mail is worse than to hold some more.
 */
export class LateLimit {
  readonly #limit: number;
  readonly #sure: number;
  readonly #entered: ReadonlySet<MessageId>;
  /** Of this listing, without those that have arrived. Pages that move while the listing goes on show some twice. */
  readonly #passed = new Set<MessageId>();
  /** Those that only their dates can let in, as far as none below them was let in by the first listing. */
  #open: Listed[] = [];
  #leavesOut = false;

  /**
   * @param limit - of the scope
   * @param deleted - how many of the newest have gone since, and have dates to compare with
   * @param entered - messages that have come into the scope since: history brings them
   */
  constructor(limit: number, deleted: number, entered: ReadonlySet<MessageId>) {
    this.#limit = limit;
    this.#sure = Math.max(0, limit - deleted);
    this.#entered = entered;
  }

  /** Whether a message was seen that lies beyond the limit, as does all that is listed further down. */
  get leavesOut(): boolean {
    return this.#leavesOut;
  }

  /** @returns the messages, of this page and of those before, that belong to the newest for sure */
  take(page: readonly Listed[], known: Admissions): readonly Listed[] {
    const taken: Listed[] = [];
    for (const message of page) {
      const isAdmitted = known.admitted.has(message.id);
      if (!isAdmitted && (this.#entered.has(message.id) || known.arrived.has(message.id))) continue;
      if (this.#passed.has(message.id)) continue;
      this.#leavesOut ||= this.#passed.size >= this.#limit;
      if (this.#leavesOut) break;
      this.#passed.add(message.id);
      this.#open.push(message);
      if (this.#passed.size > this.#sure && !isAdmitted) continue;
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
