import type { HistoryRecord } from '../../model/change.ts';
import type { HistoryId, MailboxId, MessageId } from '../../model/ids.ts';
import type { SettleMark } from '../rows/mailbox-row.ts';

/** What partial syncs write. */
export interface HistoryStore {
  /**
   * Applies one page of history and moves the mark, in one transaction. For each operation, in order, by its row:
   * - record id ≤ the row's `readingHistoryId`: the row already contains the operation; skipped;
   * - a label operation on a `gone` row, newer than the row: handled as on an unknown id (the message may only have
   *   left the scope);
   * - record id < the row's `historyId`, and the operation was not applied before: it appeared late. The row needs a
   *   refresh by one MINIMAL get and keeps its state; `gone` rows are left alone;
   * - otherwise it is applied:
   *   - `added` makes an unknown or gone row `pending` in the live lane, or `excluded` at once if the record's labels
   *     say so. A draft's first attempt comes a minute later, since the next save deletes the draft;
   *   - `deleted` makes any row `gone`, and inserts a tombstone for an unknown id;
   *   - label operations change the row's set of labels; then the scope decides between `stored`/`pending` and
   *     `excluded`. A `pending` row only takes the newer history id, since its get brings the labels;
   *   - a label operation on an unknown id makes it `pending` in the live lane when it may have brought the message
   *     into scope (SPAM or TRASH removed, a scope label added, or, without a label scope, any label but SPAM or TRASH
   *     added): a get decides.
   *
   * Operations of record ids newer than `settledBefore` are remembered until a later call's `settledBefore` passes
   * them. A record that is both below the stored mark and settled was applied, so a replay of it does nothing.
   *
   * `mark`: the history id up to which everything is applied once this page is. null leaves the stored mark, which
   * never moves back. Before the first listing has ended there is no mark, and none is set.
   *
   * `settle`: the marks to remember, see `MailboxRow.marks`; null leaves them. When both `settle` and `mark` are given,
   * the mark is the mailbox's head, and `syncedAt` becomes `now`.
   *
   * Does nothing and returns null in two cases: `generation` is not the stored one (the call comes from a zombie of an
   * earlier generation), or the read began (`settledBefore`) after the oldest stored mark (a listing has ended
   * meanwhile, and wants the history from its start).
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
   * Messages that were fetched in the first seconds of a first full sync. A replica may have been behind the mark, so
   * they are read again (`FetchingStore.nextRefresh`) unless history settles them first. Empty until they are
   * due.
   */
  listEarlyReadings(request: { mailbox: MailboxId; now: number; limit: number }): Promise<readonly EarlyReading[]>;
  /** Applies records from before the mark to early readings. The `settled` ones need no further get. */
  settleEarlyReadings(request: {
    mailbox: MailboxId;
    records: readonly HistoryRecord[];
    settled: readonly MessageId[];
    now: number;
  }): Promise<void>;
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
  /** The history id of the answer: anything that it missed is newer. */
  readonly historyId: HistoryId;
}
