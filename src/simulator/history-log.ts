import { compareHistoryIds, historyId, type HistoryId } from '../model/ids.ts';
import type { Random } from './random.ts';

export interface Operation {
  readonly kind: 'messagesAdded' | 'messagesDeleted' | 'labelsAdded' | 'labelsRemoved';
  readonly messageId: string;
  readonly threadId: string;
  /** The labels that the operation added or removed; for other kinds, the message's labels. */
  readonly labelIds: readonly string[];
  /** The message's labels after the operation. */
  readonly after: readonly string[];
}

export interface LogRecord {
  readonly id: HistoryId;
  readonly at: number;
  readonly delay: number;
  readonly operations: readonly Operation[];
}

/** Old real mailboxes have ids beyond 2^53, which a JavaScript number would round. */
const FIRST_ID = 2n ** 53n + 1n;

/** The history of one mailbox: records in the order they happened, each id larger than the last by a random step. */
export class HistoryLog {
  readonly #random: Random;
  #head: bigint;
  #headId: HistoryId;
  /** Start ids below this one answer 404. */
  #floor: HistoryId;
  #records: LogRecord[] = [];

  constructor(random: Random) {
    this.#random = random;
    this.#head = FIRST_ID + BigInt(random.int(2 ** 31));
    this.#headId = historyId(this.#head.toString());
    this.#floor = this.#headId;
  }

  get head(): HistoryId {
    return this.#headId;
  }

  /** Moves the head on. @returns the id of the next record */
  advance(): HistoryId {
    this.#head += BigInt(1 + this.#random.int(60));
    this.#headId = historyId(this.#head.toString());
    return this.#headId;
  }

  append(record: LogRecord): void {
    this.#records.push(record);
  }

  /** Keeps only the last `keepLast` records. From now on, every start id before them is answered with 404. */
  expire(keepLast: number): void {
    const from = Math.max(0, this.#records.length - keepLast);
    const lastLost = this.#records[from - 1];
    if (keepLast === 0) this.#floor = this.head;
    else if (lastLost !== undefined) this.#floor = lastLost.id;
    this.#records = this.#records.slice(from);
  }

  isReadableFrom(start: HistoryId): boolean {
    return compareHistoryIds(start, this.#floor) >= 0 && compareHistoryIds(start, this.head) <= 0;
  }

  /** The records after `start` that are visible at `now`, oldest first. */
  *after(start: HistoryId, now: number, maximumDelay: number): Generator<LogRecord> {
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const record = this.#records[middle];
      if (record !== undefined && compareHistoryIds(record.id, start) <= 0) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < this.#records.length; i++) {
      const record = this.#records[i];
      if (record !== undefined && now >= record.at + Math.min(record.delay, maximumDelay)) yield record;
    }
  }
}
