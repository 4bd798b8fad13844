import { MAX_BATCH, type FetchOutcome } from '../gmail/api/gmail-api.ts';
import type { GmailError } from '../gmail/api/gmail-error.ts';
import type { MessageId } from '../model/ids.ts';
import type { ListedAt } from '../store/listing/listing-store.ts';
import { broughtBy, getApart, messageRequests } from './batched-gets.ts';
import type { Work } from './listing-work.ts';

/** If Gmail gives no date at this many positions in a row, it is Gmail that fails, not a message. */
const MOST_UNDATED = 10;

/** How long to wait before a message without a date is asked for again (ms): replicas agree within seconds. */
const PAUSES = [2_000, 5_000];

/** `gone`: Gmail no longer knows the messages. `undated`: it gives no date of a message that may exist. */
type Dating =
  | { readonly kind: 'dated'; readonly internalDate: number }
  | { readonly kind: 'undated'; readonly error: GmailError | null }
  | { readonly kind: 'gone' };

export interface DatedPosition {
  readonly position: number;
  /** The newest date there; null where a message may exist, but Gmail does not give its date. */
  readonly internalDate: number | null;
}

/** Dates of listed messages: from the store, or else by MINIMAL gets (20 units each). */
export class ListedDates {
  readonly #work: Work;
  readonly #datings = new Map<number, Dating>();

  constructor(work: Work) {
    this.#work = work;
  }

  /** The first position, from `position` on and before `end`, whose messages are not gone; null when there is none. */
  async firstFrom(position: number, end = Number.POSITIVE_INFINITY): Promise<DatedPosition | null> {
    // Mostly the first message exists. After one that is gone, more are asked for at once.
    for (let from = position, size = 1; ; size = Math.min(2 * size, MAX_BATCH)) {
      const listed = await this.#listedFrom(from, { end, size });
      await this.#date(listed);
      for (const { position: at } of listed) {
        const dating = this.#datings.get(at);
        if (dating?.kind === 'dated') return { position: at, internalDate: dating.internalDate };
        if (dating?.kind === 'undated') return { position: at, internalDate: null };
      }
      const last = listed.at(-1);
      if (last === undefined || listed.length < size) return null;
      from = last.position + 1;
    }
  }

  /**
   * The first dated position, from `position` on and before `end`; null when there is none.
   *
   * @throws GmailError when Gmail gives no date at {@link MOST_UNDATED} positions in a row
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
    const dating = this.#datings.get(from - 1);
    if (dating?.kind === 'undated' && dating.error !== null) throw dating.error;
    return null;
  }

  async #listedFrom(
    position: number,
    { end, size }: { readonly end: number; readonly size: number },
  ): Promise<readonly ListedAt[]> {
    const { deps, listing } = this.#work;
    const { mailbox, generation } = listing;
    const found: ListedAt[] = [];
    for (let from = position; found.length < size;) {
      const listed = await deps.store.listedFrom({ mailbox, generation, position: from });
      if (listed === null || listed.position >= end) break;
      found.push(listed);
      from = listed.position + 1;
    }
    return found;
  }

  /** Dates positions that have not been dated yet. */
  async #date(listed: readonly ListedAt[]): Promise<void> {
    const { deps, run } = this.#work;
    let left = listed.filter(({ position }) => !this.#datings.has(position));
    for (const pause of [0, ...PAUSES]) {
      if (left.length === 0) return;
      if (pause > 0) await deps.clock.sleep(pause, run.signal);
      const unknown = left.flatMap(({ messages }) => messages.filter(({ internalDate }) => internalDate === null));
      const answers = await this.#get(unknown.map(({ id }) => id));
      for (const { position, messages } of left)
        this.#datings.set(
          position,
          datingOf(messages.map(({ id, internalDate }) => dated(internalDate) ?? answers.get(id) ?? UNANSWERED)),
        );
      left = left.filter(({ position }) => this.#datings.get(position)?.kind !== 'dated');
    }
  }

  async #get(ids: readonly MessageId[]): Promise<ReadonlyMap<MessageId, Dating>> {
    const { session, run } = this.#work;
    const answers = new Map<MessageId, Dating>();
    for (let from = 0; from < ids.length; from += MAX_BATCH) {
      const batch = ids.slice(from, from + MAX_BATCH);
      const outcomes = await getApart(session, messageRequests(batch), 'minimal', run.signal);
      for (const [index, id] of batch.entries()) answers.set(id, answerOf(id, outcomes[index]));
    }
    return answers;
  }
}

const UNANSWERED: Dating = { kind: 'undated', error: null };

const dated = (internalDate: number | null): Dating | null =>
  internalDate === null ? null : { kind: 'dated', internalDate };

/** @throws GmailError when the failure is about the mailbox */
function answerOf(id: MessageId, outcome: FetchOutcome | undefined): Dating {
  if (outcome === undefined) return UNANSWERED;
  const message = broughtBy(outcome).find((one) => one.id === id);
  if (outcome.kind === 'fetched') return dated(message?.internalDate ?? null) ?? UNANSWERED;
  return outcome.error.failure.kind === 'not-found' ? { kind: 'gone' } : { kind: 'undated', error: outcome.error };
}

/** What the messages of one position say together. Several labels have a message each at the same position. */
function datingOf(messages: readonly Dating[]): Dating {
  const undated = messages.find(({ kind }) => kind === 'undated');
  if (undated !== undefined) return undated;
  const dates = messages.flatMap((message) => (message.kind === 'dated' ? [message.internalDate] : []));
  return dates.length === 0 ? { kind: 'gone' } : { kind: 'dated', internalDate: Math.max(...dates) };
}
