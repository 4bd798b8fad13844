import { MAX_BATCH } from '../gmail/api/gmail-api.ts';
import type { ListedAt } from '../store/listing/listing-store.ts';
import { datesByGets, datingBy, getsRefused, MOST_REFUSED, NO_MESSAGE, UNDATED, type Dating } from './dates-by-gets.ts';
import type { Work } from './listing-work.ts';

/** How long a listing waits for gets that fail (ms). No listing may wait for messages that can never be read. */
export const PATIENCE = 60 * 60_000;

export interface DatedPosition {
  readonly position: number;
  /** The newest date there; null where a message may exist, but Gmail does not give its date. */
  readonly internalDate: number | null;
  /** Whether Gmail refused the gets that would tell the date. */
  readonly isRefused: boolean;
}

/** Dates of listed messages: from the store, or else by MINIMAL gets (20 units each). */
export class ListedDates {
  readonly #work: Work;
  readonly #waitsUntil: number;
  readonly #datings = new Map<number, Dating>();

  /** @param startedAt - when the listing began (epoch ms); without it, {@link datedFrom} waits for no get */
  constructor(work: Work, startedAt = Number.NEGATIVE_INFINITY) {
    this.#work = work;
    this.#waitsUntil = startedAt + PATIENCE;
  }

  /** The first position, from `position` on and before `end`, that does not seem gone; null when there is none. */
  async firstFrom(position: number, end = Number.POSITIVE_INFINITY): Promise<DatedPosition | null> {
    const { deps, listing } = this.#work;
    const { mailbox, generation } = listing;
    // Mostly the first message exists. After one that seems gone, more are asked for at once.
    for (let from = position, limit = 1; ; limit = Math.min(2 * limit, MAX_BATCH)) {
      const listed = await deps.store.listedFrom({ mailbox, generation, position: from, limit });
      const before = listed.filter((one) => one.position < end);
      await this.#date(before.filter((one) => !this.#datings.has(one.position)));
      for (const { position: at } of before) {
        const dating = this.#datings.get(at) ?? UNDATED;
        const isRefused = dating.kind === 'refused';
        if (dating.kind === 'dated') return { position: at, internalDate: dating.internalDate, isRefused };
        if (dating.kind !== 'seems-gone') return { position: at, internalDate: null, isRefused };
      }
      const last = before.at(-1);
      if (last === undefined || before.length < limit) return null;
      from = last.position + 1;
    }
  }

  /**
   * The first dated position, from `position` on and before `end`; null when there is none, or when it lies below
   * {@link MOST_REFUSED} positions without a date.
   *
   * @throws GmailError in the first hour of the listing, when gets fail at that many positions: they may come right
   */
  async datedFrom(
    position: number,
    end: number,
  ): Promise<{ readonly position: number; readonly internalDate: number } | null> {
    let from = position;
    for (let undated = 0; undated < MOST_REFUSED; undated += 1) {
      const found = await this.firstFrom(from, end);
      if (found === null) return null;
      const { position: at, internalDate } = found;
      if (internalDate !== null) return { position: at, internalDate };
      from = at + 1;
    }
    const { deps, listing } = this.#work;
    const isRefused = this.#datings.get(from - 1)?.kind === 'refused';
    if (isRefused && deps.clock.now() < this.#waitsUntil) throw getsRefused(listing.mailbox);
    return null;
  }

  async #date(listed: readonly ListedAt[]): Promise<void> {
    const answers = await datesByGets(
      this.#work,
      listed
        .flatMap(({ messages }) => messages.filter(({ internalDate }) => internalDate === null))
        .map(({ id }) => id),
    );
    for (const { position, messages } of listed)
      this.#datings.set(
        position,
        datingOf(messages.map(({ id, internalDate }) => answers.get(id) ?? datingBy(internalDate))),
      );
  }
}

/** What the messages of one position say together. Several labels have a message each at the same position. */
function datingOf(messages: readonly Dating[]): Dating {
  const undated = messages.find(({ kind }) => kind === 'undated' || kind === 'refused');
  if (undated !== undefined) return undated;
  const dates = messages.flatMap((message) => (message.kind === 'dated' ? [message.internalDate] : []));
  return dates.length === 0 ? NO_MESSAGE : { kind: 'dated', internalDate: Math.max(...dates) };
}
