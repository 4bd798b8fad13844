import type { FetchedMessage } from '../../model/change.ts';
import type { HistoryId, LabelId, MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import type { MailboxSettings } from '../../model/settings.ts';
import type { Doubt, FullSyncProgress } from '../rows/mailbox-row.ts';

/** What full syncs write: pages of listings, and what the end of a listing makes of the rows. */
export interface ListingStore {
  /**
   * Begins a generation, or answers the progress of the same generation begun earlier (a retry goes on where it
   * stopped). A generation older than the stored one is refused: answers null. Passes and listings are counted from 0.
   * `settings` are saved in the transaction that begins it: what is listed, and what decides over rows from then on,
   * are never two scopes. Where they want messages in another form (format, attachments), pending and failed rows are
   * due at once, as if they had never been tried.
   */
  beginFullSync(request: {
    mailbox: MailboxId;
    generation: number;
    startHistoryId: HistoryId;
    settings?: MailboxSettings;
    now: number;
  }): Promise<FullSyncProgress | null>;
  /**
   * Marks every listed id as seen in this generation and creates `pending` rows of the backfill lane for unknown ids.
   * A listed tombstone becomes `pending` again: a get decides, guarded by the tombstone's history id. `stored`,
   * `failed`, `pending` and `excluded` rows keep their state. A row's position (order of listing, 0 is the newest) is
   * set once per generation. Saves `progress` in the same transaction. Answers how many ids were unknown.
   * Does nothing when the generation is no longer the stored one, or when its listing has ended (a given-up attempt is
   * still listing).
   */
  saveListingPage(request: {
    mailbox: MailboxId;
    generation: number;
    messages: readonly { id: MessageId; threadId: ThreadId }[];
    /** Position of the first message of the page. */
    position: number;
    progress: FullSyncProgress;
    now: number;
  }): Promise<{ unknown: number }>;
  /**
   * The same for a page of one label's listing: remembered until {@link ListingStore.finishListing}. `isInScope`:
   * whatever it shows is in scope, so that what the scope's own listing left out counts as seen, in the first place:
   * where it stands among the others nobody has told.
   */
  saveLabelListingPage(request: {
    mailbox: MailboxId;
    generation: number;
    labelId: LabelId;
    messages: readonly { id: MessageId; threadId: ThreadId }[];
    isInScope: boolean;
    progress: FullSyncProgress;
    now: number;
  }): Promise<void>;
  /**
   * Saves progress alone; what would lead back from the end of the listing is left out.
   * With step `done` and a limit in the scope, the oldest message within the limit sets the floor: an older one does
   * not come in when a label operation brings it up (see scope-floor.ts).
   */
  saveProgress(request: { mailbox: MailboxId; generation: number; progress: FullSyncProgress }): Promise<void>;
  /**
   * Stored and excluded rows, and others whose body is held, that this generation's listing saw, after `after` in the
   * order of ids.
   */
  listSeen(query: AbsentQuery & { after: MessageId | null; limit: number }): Promise<readonly MessageId[]>;
  /** How many messages this generation's listing has shown so far, and each label's. */
  countListed(query: AbsentQuery): Promise<ListedCounts>;
  /**
   * What the end of this listing would bury, or take a label off, by what the listings showed: rows that changed after
   * `startHistoryId` are left out. Labels from before a gap in the history that was read put no row out of scope.
   * `listedBefore`: when the listing before this one ended that left a doubt (epoch ms); null when there is none.
   */
  findSuspects(query: AbsentQuery & { labels: 'compared' | 'unread'; listedBefore: number | null }): Promise<Suspects>;
  /**
   * A get is a better witness than a listing: these messages count as listed, under the labels that their readings
   * have. `unanswered` ones, whose get told nothing, count as listed under the labels that their rows have. Answers
   * under which labels those were listed before that had been.
   */
  correctListing(
    request: AbsentQuery & {
      readings: readonly Pick<FetchedMessage, 'id' | 'labelIds'>[];
      unanswered: readonly MessageId[];
    },
  ): Promise<{ listed: ReadonlyMap<MessageId, readonly LabelId[]> }>;
  /**
   * Ends the listing in one transaction:
   * - pending, stored and failed rows that the listing did not see become `gone`, and contain everything up to
   *   `startHistoryId`, unless their own
   *   `historyId` is newer (a live sync found them after the listing began). So do `excluded` rows, uncounted: nothing
   * is known of them any more, but
   *   without the tombstone a reading from before they left the scope would bring them back. Where nothing had been
   * held before (not `reconciling`)
   *   absence says nothing: what was never read is removed, what was read meanwhile stays;
   * - with `labels: 'compared'`, each seen row whose `historyId` is not newer than `startHistoryId` gets exactly the
   *   labels whose
   *   listings held it, and its `readingHistoryId` becomes `startHistoryId` (not its `historyId`: a get of a quiet
   * message answers the old one for
   *   ever, and must not count as stale); its state follows the scope (`stored` ⇄ `excluded`; an `excluded` row that
   * comes into scope is `stored`
   *   when its body is held in the right format, else `pending`). A seen row that is newer than `startHistoryId`, was
   * not read since, and
   *   differs from the listings needs a refresh;
   * - rows that were not compared follow the scope by the labels that they have: the settings may have changed since
   *   they were settled;
   * - rows whose body is of another format than the settings' become `pending` (backfill lane);
   * - with `keepNewest` (scope limit) pending rows created by this generation at a position beyond
   *   max(keepNewest - 1, the position of the last row known before) are removed;
   * - the mark becomes `startHistoryId`, the marks to settle are reset to it as of `startedAt`, progress.step becomes
   *   `fetching`;
   * - where `absence` is `doubted` nothing becomes `gone`, and `doubtedLabels` are taken off no row; `doubt` is kept
   *   to be shown;
   * - the next listing from the top is due at `relistAt` (null or absent: none is).
   * Differences go to the change feed. Label-listing rows are removed. Does nothing when the generation is not the
   * stored one, or when its listing has ended.
   */
  finishListing(request: FinishListingRequest): Promise<{ gone: number; relabelled: number }>;
}

export interface ListedCounts {
  readonly messages: number;
  readonly labels: ReadonlyMap<LabelId, number>;
}

/** What one listing alone would destroy. */
export interface Suspects {
  /** Pending, stored or failed messages that no listing showed. */
  readonly absent: number;
  /** Those of them that the last listing that was doubted did not show either, though they were known then. */
  readonly absentBefore: number;
  /** Messages that would lose a label. */
  readonly relabelled: number;
  /** How many would lose each label. */
  readonly losing: ReadonlyMap<LabelId, number>;
  /** All of them, in the order of ids, at most some thousands. */
  readonly messageIds: readonly MessageId[];
}

export interface FinishListingRequest {
  readonly mailbox: MailboxId;
  readonly generation: number;
  readonly labels: 'compared' | 'unread';
  /** `proven` unless told otherwise. `doubted`: what was not seen stays as it is. */
  readonly absence?: 'proven' | 'doubted';
  /** Labels that are taken off no message. */
  readonly doubtedLabels?: readonly LabelId[];
  readonly doubt?: Doubt | null;
  readonly keepNewest: number | null;
  readonly relistAt?: number | null;
  readonly now: number;
}

export interface AbsentQuery {
  readonly mailbox: MailboxId;
  readonly generation: number;
}
