import { MAX_BATCH, type MessagePage } from '../gmail/api/gmail-api.ts';
import type { MailboxId, MessageId } from '../model/ids.ts';
import type { Admission } from '../store/fetching/fetching-store.ts';
import { datesByGets, getsRefused, MOST_KEPT, MOST_REFUSED, UNDATED, type DateSource } from './dates-by-gets.ts';

type Listed = MessagePage['messages'][number];

/** The date that a relisting goes by. */
export interface FloorOf {
  readonly mailbox: MailboxId;
  /** The date of the oldest message within the limit (epoch ms). */
  readonly floor: number;
  /** Until when the relisting waits for gets that are refused (epoch ms). */
  readonly waitsUntil: number;
}

/**
 * Follows a relisting down to the date of a scope's limit. A listing is in the order of dates, so what is listed above
 * a message of a known date is at least as new. Mostly the oldest message within the limit is met, and no get is
 * needed. If it has left, MINIMAL gets (20 units each) tell where older messages begin: one, unless some are late.
 *
 * What it lets in is in the scope by its date once it is read, so one too many corrects itself.
 */
export class RelistingFloor {
  readonly #source: DateSource;
  readonly #by: FloorOf;
  #isOver = false;

  constructor(source: DateSource, by: FloorOf) {
    this.#source = source;
    this.#by = by;
  }

  /** Whether the date has been reached. Everything further down is older. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * @returns the messages of this page that may be new enough
   * @throws GmailError when Gmail refuses a get for a reason that concerns the mailbox; for an hour, also when it
   * refuses many in a row
   */
  async take(page: readonly Listed[], known: ReadonlyMap<MessageId, Admission>): Promise<readonly Listed[]> {
    const taken: Listed[] = [];
    let open: Listed[] = [];
    for (const message of page) {
      const { internalDate = null, by = null } = known.get(message.id) ?? {};
      const isOlder = internalDate !== null && internalDate < this.#by.floor;
      if (isOlder) return [...taken, ...(await this.#newOf(open, true))];
      open.push(message);
      if (internalDate === null && by !== 'listing') continue;
      taken.push(...open);
      open = [];
      this.#isOver = internalDate === this.#by.floor;
      if (this.#isOver) return taken;
    }
    return [...taken, ...(await this.#newOf(open, false))];
  }

  /** Those of the messages that no date shows to be older. They are in the order of the listing. */
  async #newOf(open: readonly Listed[], isOver: boolean): Promise<readonly Listed[]> {
    this.#isOver ||= isOver;
    const { mailbox, waitsUntil } = this.#by;
    const newer: Listed[] = [];
    let [refused, undated] = [0, 0];
    for (let from = 0, size = 1; from < open.length; from += size, size = Math.min(2 * size, MAX_BATCH)) {
      const batch = open.slice(from, from + size);
      const dates = await datesByGets(
        this.#source,
        batch.map(({ id }) => id),
      );
      for (const message of batch) {
        const dating = dates.get(message.id) ?? UNDATED;
        const isOlder = dating.kind === 'dated' && dating.internalDate < this.#by.floor;
        if (!isOlder) newer.push(message);
        refused = dating.kind === 'refused' ? refused + 1 : 0;
        undated = dating.kind === 'dated' ? 0 : undated + 1;
        // Later, the gets may tell. After an hour, what they would tell stays open: no mailbox waits forever.
        if (refused >= MOST_REFUSED && this.#source.deps.clock.now() < waitsUntil) throw getsRefused(mailbox);
        if (!isOlder && refused < MOST_REFUSED && undated < MOST_KEPT) continue;
        this.#isOver = true;
        return newer;
      }
    }
    return newer;
  }
}
