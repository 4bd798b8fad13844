import type { ListedAt } from '../store/listing/listing-store.ts';
import { broughtBy, getApart, messageRequests } from './batched-gets.ts';
import type { Work } from './listing-work.ts';

/** The search ends after this many positions without a date. */
const MOST_UNDATED = 10;

export interface DatedPosition {
  readonly position: number;
  readonly internalDate: number;
}

/** Dates of listed messages: from the store, or else by MINIMAL gets (20 units each). */
export class ListedDates {
  readonly #work: Work;
  #undated = 0;

  constructor(work: Work) {
    this.#work = work;
  }

  /** The newest date at the first position, from `position` on and before `end`, that has a message with a date. */
  async newestFrom(position: number, end: number): Promise<DatedPosition | null> {
    const { deps, listing } = this.#work;
    const { mailbox, generation } = listing;
    for (let from = position; this.#undated < MOST_UNDATED;) {
      const listed = await deps.store.listedFrom({ mailbox, generation, position: from });
      if (listed === null || listed.position >= end) return null;
      const dates = await this.#datesOf(listed.messages);
      if (dates.length > 0) return { position: listed.position, internalDate: Math.max(...dates) };
      this.#undated += 1;
      from = listed.position + 1;
    }
    return null;
  }

  async #datesOf(messages: ListedAt['messages']): Promise<readonly number[]> {
    const known = messages.flatMap(({ internalDate }) => (internalDate === null ? [] : [internalDate]));
    const unknown = messages.filter(({ internalDate }) => internalDate === null).map(({ id }) => id);
    if (unknown.length === 0) return known;
    const { session, run } = this.#work;
    const outcomes = await getApart(session, messageRequests(unknown), 'minimal', run.signal);
    const dates = outcomes
      .flatMap(broughtBy)
      .flatMap(({ id, internalDate }) => (internalDate === null || !unknown.includes(id) ? [] : [internalDate]));
    return [...known, ...dates];
  }
}
