import { MAX_BATCH } from '../gmail/api/gmail-api.ts';
import { gmailError } from '../gmail/api/classify.ts';
import type { ListedAt } from '../store/listing/listing-store.ts';
import { datesByGets, datingBy, NO_MESSAGE, UNDATED, type Dating } from './dates-by-gets.ts';
import type { Work } from './listing-work.ts';

/** If gets fail at this many positions in a row, it is Gmail that fails, not a message. */
const MOST_UNDATED = 10;

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
        if (dating.kind === 'dated') return { position: at, internalDate: dating.internalDate, isRefused: false };
        if (dating.kind === 'undated') return { position: at, internalDate: null, isRefused: !dating.isAnswered };
      }
      const last = before.at(-1);
      if (last === undefined || before.length < limit) return null;
      from = last.position + 1;
    }
  }

  /**
   * The first dated position, from `position` on and before `end`; null when there is none, or when it lies below
   * {@link MOST_UNDATED} positions without a date.
   *
   * @throws GmailError in the first hour of the listing, when gets fail at that many positions: they may come right
   */
  async datedFrom(
    position: number,
    end: number,
  ): Promise<{ readonly position: number; readonly internalDate: number } | null> {
    let from = position;
    for (let undated = 0; undated < MOST_UNDATED; undated += 1) {
      const found = await this.firstFrom(from, end);
      if (found === null) return null;
      const { position: at, internalDate } = found;
      if (internalDate !== null) return { position: at, internalDate };
      from = at + 1;
    }
    const last = this.#datings.get(from - 1);
    const { deps, listing } = this.#work;
    if (last?.kind !== 'undated' || last.isAnswered || deps.clock.now() >= this.#waitsUntil) return null;
    const detail = `${MOST_UNDATED} gets in a row failed`;
    throw gmailError(listing.mailbox, 'messages.get', { kind: 'unavailable', status: null, detail });
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
  const undated = messages.find(({ kind }) => kind === 'undated');
  if (undated !== undefined) return undated;
  const dates = messages.flatMap((message) => (message.kind === 'dated' ? [message.internalDate] : []));
  return dates.length === 0 ? NO_MESSAGE : { kind: 'dated', internalDate: Math.max(...dates) };
}
