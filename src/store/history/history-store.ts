import type { HistoryRecord } from '../../model/change.ts';
import type { HistoryId, MailboxId, MessageId } from '../../model/ids.ts';
import type { SettleMark } from '../rows/mailbox-row.ts';

/** What partial syncs write. */
export interface HistoryStore {
  /**
   * Applies one page of history and moves the mark, in one transaction. For each operation, in order, by the row it concerns:
   * - record id ≤ the row's `readingHistoryId`: already contained in the reading, skipped;
   * - a label operation on a `gone` row, newer than the row: as on an unknown id (it may have been gone from the scope only);
   * - record id < the row's `historyId`, and the operation was not applied before: it appeared late. The row needs a refresh by one MINIMAL get
   *   (state stays, `needsRefresh`); `gone` rows are left alone;
   * - otherwise it is applied: `added` makes an unknown or gone row `pending` in the live lane (`excluded` at once if the record's labels say so; a draft's first attempt
   *   comes a minute later, since the next save deletes it);
   *   `deleted` makes any row `gone`, and inserts a tombstone for an unknown one; label operations are set operations on the row's labels,
   *   after which the scope decides between `stored`/`pending` and `excluded`. A `pending` row only remembers the newer history id (its get brings the labels).
   *   A label operation on an unknown id makes it `pending` in the live lane when the operation may have brought it into scope
   *   (SPAM or TRASH removed, a scope label added, or, without a label scope, anything but SPAM or TRASH added): a get decides.
   * Operations of record ids newer than `settledBefore` are remembered until a later call's `settledBefore` passes them. What is both below the stored
   * mark and settled was applied: a replay of it does nothing.
   *
   * `mark`: the history id up to which everything is applied once this page is; the stored mark never moves back. null leaves it.
   *   Before the first listing has ended there is no mark, and none is set.
   * `settle`: the marks to remember, see {@link MailboxRow.marks}; null leaves them. Given with `mark`, the mark is the mailbox's head: `syncedAt` becomes `now`.
   * Does nothing and answers null when `generation` is not the stored one (a zombie of an earlier generation), or when the read began (`settledBefore`)
   * after the oldest mark that is stored: a listing that has ended meanwhile wants history from there.
   */
  applyHistory(request: {
    mailbox: MailboxId;
    generation: number;
    records: readonly HistoryRecord[];
    mark: HistoryId | null;
    settle: readonly SettleMark[] | null;
    settledBefore: HistoryId;
    now: number;
  }): Promise<AppliedHistory | null>;
  /**
   * Messages that were read in the first seconds of a first full sync: a replica may have been behind the mark, so they are to be read again
   * ({@link FetchingStore.nextRefresh}), unless history settles them before. Empty while that is not due.
   */
  listEarlyReadings(request: { mailbox: MailboxId; now: number; limit: number }): Promise<readonly EarlyReading[]>;
  /** Applies records from before the mark to early readings, and has the `settled` ones read no more. */
  settleEarlyReadings(request: { mailbox: MailboxId; records: readonly HistoryRecord[]; settled: readonly MessageId[]; now: number }): Promise<void>;
}

export interface AppliedHistory {
  readonly added: number;
  readonly deleted: number;
  readonly relabelled: number;
  readonly late: number;
  /** True when some operation had not been applied before. */
  readonly changed: boolean;
}

export interface EarlyReading {
  readonly id: MessageId;
  /** Of the reading: what it may have missed is newer. */
  readonly historyId: HistoryId;
}
