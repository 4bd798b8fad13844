import type { FetchOutcome } from '../gmail/api/gmail-api.ts';
import type { MessageId } from '../model/ids.ts';
import type { ListedAt } from '../store/listing/listing-store.ts';
import { broughtBy, getApart, messageRequests } from './batched-gets.ts';
import type { Work } from './listing-work.ts';

/** The search ends after this many positions whose messages are gone. */
const MOST_GONE = 10;

/** A get whose failure may pass is made this often. */
const MOST_GETS = 4;

/** Before the second get (ms); twice as long before each further one. */
const FIRST_PAUSE = 1_000;

/** The newest date at a position; null where a message is listed, but Gmail does not give its date. */
export interface DatedPosition {
  readonly position: number;
  readonly internalDate: number | null;
}

/** Dates of listed messages: from the store, or else by MINIMAL gets (20 units each). */
export class ListedDates {
  readonly #work: Work;
  #gone = 0;

  constructor(work: Work) {
    this.#work = work;
  }

  /**
   * The first position, from `position` on and before `end`, that has a message. Messages that Gmail does not know are
   * passed over: they have left since. A get that fails otherwise proves nothing of its message.
   */
  async newestFrom(position: number, end: number): Promise<DatedPosition | null> {
    const { deps, listing } = this.#work;
    const { mailbox, generation } = listing;
    for (let from = position; ;) {
      const listed = await deps.store.listedFrom({ mailbox, generation, position: from });
      if (listed === null || listed.position >= end) return null;
      const { dates, isOpen } = await this.#datesOf(listed.messages);
      if (isOpen) return { position: listed.position, internalDate: null };
      if (dates.length > 0) return { position: listed.position, internalDate: Math.max(...dates) };
      this.#gone += 1;
      if (this.#gone === MOST_GONE) return { position: listed.position, internalDate: null };
      from = listed.position + 1;
    }
  }

  /** `isOpen`: whether a message may have a date that Gmail has not told. */
  async #datesOf(
    messages: ListedAt['messages'],
  ): Promise<{ readonly dates: readonly number[]; readonly isOpen: boolean }> {
    const dates = messages.flatMap(({ internalDate }) => (internalDate === null ? [] : [internalDate]));
    let unknown = messages.filter(({ internalDate }) => internalDate === null).map(({ id }) => id);
    for (let gets = 0; unknown.length > 0 && gets < MOST_GETS; gets += 1) {
      const { deps, run } = this.#work;
      if (gets > 0) await deps.clock.sleep(FIRST_PAUSE * 2 ** (gets - 1), run.signal);
      const answers = await this.#get(unknown);
      dates.push(...answers.flatMap(({ internalDate }) => internalDate ?? []));
      unknown = answers.flatMap(({ id, internalDate }) => (internalDate === null ? [id] : []));
    }
    return { dates, isOpen: unknown.length > 0 };
  }

  /** The messages of `ids` that are not gone, each with its date if Gmail gives it. */
  async #get(
    ids: readonly MessageId[],
  ): Promise<readonly { readonly id: MessageId; readonly internalDate: number | null }[]> {
    const { session, run } = this.#work;
    const outcomes = await getApart(session, messageRequests(ids), 'minimal', run.signal);
    const dates = new Map(outcomes.flatMap(broughtBy).map(({ id, internalDate }) => [id, internalDate]));
    return ids.flatMap((id, index) => (isGone(outcomes[index]) ? [] : [{ id, internalDate: dates.get(id) ?? null }]));
  }
}

const isGone = (outcome: FetchOutcome | undefined): boolean =>
  outcome?.kind === 'failed' && outcome.error.failure.kind === 'not-found';
