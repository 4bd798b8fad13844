import type { FetchedMessage } from '../../model/change.ts';
import type { HistoryId, LabelId, MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import type { MailboxSettings } from '../../model/settings.ts';
import type { Doubt, FullSyncProgress } from '../rows/mailbox-row.ts';

/** What full syncs write: pages of listings, and the changes to rows when a listing ends. */
export interface ListingStore {
  /**
   * Begins a generation. If the same generation has begun before, returns its progress, so that a retry continues
   * where the last attempt stopped. Returns null if `generation` is older than the stored one. Passes and listings are
   * counted from 0.
   *
   * `settings` are saved in the same transaction, so that the scope that is listed is always the scope that decides
   * which rows belong to the mirror. If `settings` want messages in another form (format, attachments), pending and
   * failed rows are due at once, as if they had never been tried.
   */
  beginFullSync(request: {
    mailbox: MailboxId;
    generation: number;
    startHistoryId: HistoryId;
    settings?: MailboxSettings;
    now: number;
  }): Promise<FullSyncProgress | null>;
  /**
   * Marks every listed id as seen in this generation, and creates `pending` rows in the backfill lane for unknown ids.
   * A listed tombstone becomes `pending` again: a get decides, guarded by the tombstone's history id. `stored`,
   * `failed`, `pending` and `excluded` rows keep their state. Saves `progress` in the same transaction.
   *
   * A row's position is its place in the order of the listing; 0 is the newest. A first listing gives it once, by the
   * first page that shows the message, so that mail that arrives meanwhile pushes nothing beyond a limit. A
   * later listing compares what was known with what was not. So with a limit the first page of each pass forgets the
   * positions of the pass before.
   *
   * Does nothing if the generation is no longer the stored one, or if its listing is in a later pass or has ended: an
   * abandoned attempt may still be listing.
   *
   * @returns how many ids were unknown
   */
  saveListingPage(request: {
    mailbox: MailboxId;
    generation: number;
    messages: readonly { id: MessageId; threadId: ThreadId }[];
    /** Position of the first message of the page in its listing. */
    position: number;
    /**
     * The page is of the scope's second label, or a later one: a message that several labels show keeps its best
     * position.
     */
    isOfLaterLabel?: boolean;
    progress: FullSyncProgress;
    now: number;
  }): Promise<{ unknown: number }>;
  /**
   * Saves a page of one label's listing until {@link ListingStore.finishListing} uses it. With `isInScope`, every
   * message on the page is in scope: messages that the scope's own listing left out count as seen. They get no
   * position, because their place in the order of the listing is unknown; within a limit they stay by their date.
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
   * Saves only the progress. Once the listing has ended, progress from before its end is ignored.
   * With step `done` and a limit in the scope, the oldest message within the limit sets the floor: a label operation on
   * an older message does not bring that message into scope (see scope-floor.ts).
   */
  saveProgress(request: { mailbox: MailboxId; generation: number; progress: FullSyncProgress }): Promise<void>;
  /**
   * Messages that this generation's listing saw: stored and excluded rows, and pending and failed rows whose body is
   * held. In the order of ids, beginning after `after`.
   */
  listSeen(query: AbsentQuery & { after: MessageId | null; limit: number }): Promise<readonly MessageId[]>;
  /** How many messages this generation's listing, and the listing of each label, have shown so far. */
  countListed(query: AbsentQuery): Promise<ListedCounts>;
  /**
   * Finds the messages that the end of this listing would bury, or take a label off, judging only by what the listings
   * showed. Rows that changed after `startHistoryId` are left out. If the history between the stored mark and the
   * listing has not been read, a row's held labels do not put it out of scope.
   * `listedBefore`: when the last listing that left a doubt ended (epoch ms), or null.
   */
  findSuspects(query: AbsentQuery & { labels: 'compared' | 'unread'; listedBefore: number | null }): Promise<Suspects>;
  /**
   * Corrects the listing by gets, which are better witnesses: the messages in `fetched` count as listed, under the
   * labels that their gets returned.
   *
   * @returns the labels under which each of these messages was listed before the correction; a message that was not
   * listed has no entry
   */
  correctListing(
    request: AbsentQuery & { fetched: readonly Pick<FetchedMessage, 'id' | 'labelIds'>[] },
  ): Promise<{ listed: ReadonlyMap<MessageId, readonly LabelId[]> }>;
  /** How far down this generation's listing the scope's limit certainly lets messages in. */
  limitEdge(query: AbsentQuery): Promise<LimitEdge>;
  /**
   * What this generation's listing showed at the first positions, from `position` on, at which it showed something that
   * the store still holds: at most `limit` positions. The listings of several labels show one message each at a
   * position.
   */
  listedFrom(query: AbsentQuery & { position: number; limit: number }): Promise<readonly ListedAt[]>;
  /**
   * Ends the listing in one transaction.
   *
   * Rows that the listing did not see:
   * - Pending, stored and failed rows become `gone`, and contain everything up to `startHistoryId`. A row whose own
   *   `historyId` is newer stays: a live sync found it after the listing began. A message that its labels or its date
   *   put outside the scope, or that a label's listing shows, has `goneBecause: 'excluded'`, and is not counted.
   * - `excluded` rows become `gone`, too, but are not counted. Nothing more is known of them; without the tombstone, a
   *   get from before they left the scope would bring them back. With a `doubt`, their bodies are not buried: that is
   *   left to a later listing without one.
   * - A body stays while a label's listing shows the message, unless the scope has just changed.
   * - If nothing was held before the listing (not `reconciling`), absence proves nothing: rows that were never read are
   *   removed, and rows that were read meanwhile stay.
   * - If `absence` is `doubted`, no row becomes `gone`.
   *
   * Rows that the listing saw:
   * - With `labels: 'compared'`, a row whose `historyId` is not newer than `startHistoryId` gets exactly the labels
   *   whose listings showed it, except that `doubtedLabels` are taken off no row. Its `readingHistoryId` becomes
   *   `startHistoryId`. Its `historyId` does not change: a get of a quiet message returns the old one forever, and must
   *   not count as stale. A refresh that waits for labels ends, unless the row keeps a label of `doubtedLabels`. Its
   *   state follows the scope: `stored` ⇄ `excluded`, and an `excluded` row that comes into scope is `stored` if its
   *   body is held in the right format, otherwise `pending`.
   * - With `labels: 'compared'`, a row that is newer than `startHistoryId`, was not read since, and differs from the
   *   listings needs a refresh.
   * - A row that was not compared follows the scope by the labels that it has: the settings may have changed since its
   *   state was decided. If records no newer than the listing put it out of scope, its labels need a refresh.
   * - A row whose body has another format than the settings want becomes `pending` (backfill lane).
   * - With `keepNewest` (scope limit), pending rows that the change feed has not announced, at a position beyond
   *   max(keepNewest - 1, arrivedTo, the position of the last row known before), are removed, except those down to
   *   `undatedTo`. Rows beyond it that are fetched all the same leave the scope once the date of the oldest message
   *   within the limit is known, if they are older.
   *
   * The mailbox:
   * - The mark becomes `startHistoryId`. The marks to settle are reset to it, as of `startedAt`. progress.step becomes
   *   `fetching`.
   * - `doubt` is saved, to be shown.
   * - The relisting is due at `relistAt`; without `relistAt`, none is due.
   *
   * Differences go to the change feed. Label-listing rows are removed. Does nothing if the generation is not the stored
   * one, or if its listing is being repeated or has ended.
   */
  finishListing(request: FinishListingRequest): Promise<{ gone: number; relabelled: number }>;
}

export interface LimitEdge {
  /** The position of the last listed message that the store knew before this listing; -1 when it knew none of them. */
  readonly position: number;
  /** The date of that message (epoch ms); null where it is not known, or where there is no such message. */
  readonly internalDate: number | null;
  /** The date of the oldest message within the limit (epoch ms); null while it is not known. */
  readonly floor: number | null;
  /** Whether the last listing of this scope showed fewer messages than the limit, so that it left none out. */
  readonly leftNothingOut: boolean;
}

export interface ListedAt {
  readonly position: number;
  readonly messages: readonly { readonly id: MessageId; readonly internalDate: number | null }[];
}

export interface ListedCounts {
  readonly messages: number;
  readonly labels: ReadonlyMap<LabelId, number>;
}

/** What would be lost if this listing were the only witness. */
export interface Suspects {
  /** Pending, stored or failed messages that no listing showed. */
  readonly absent: number;
  /** How many of the `absent` were known at the last doubted listing, which did not show them either. */
  readonly absentBefore: number;
  /** Messages that would lose a label. */
  readonly relabelled: number;
  /** How many messages would lose each label. */
  readonly losing: ReadonlyMap<LabelId, number>;
  /** All suspects in the order of ids, up to some thousands. */
  readonly messageIds: readonly MessageId[];
}

export interface FinishListingRequest {
  readonly mailbox: MailboxId;
  readonly generation: number;
  readonly labels: 'compared' | 'unread';
  /** The step that this ends. An attempt that was abandoned before the listing began another pass ends nothing. */
  readonly confirmed: FullSyncProgress;
  /** `proven` by default. `doubted`: messages that the listing did not see stay as they are. */
  readonly absence?: 'proven' | 'doubted';
  /** Labels that are taken off no message. */
  readonly doubtedLabels?: readonly LabelId[];
  readonly doubt?: Doubt | null;
  /**
   * Messages that listings did not show, or showed under fewer labels, and whose gets were inconclusive. They stay as
   * they are, and are read again within seconds.
   */
  readonly unanswered?: readonly MessageId[];
  readonly keepNewest: number | null;
  /** With `keepNewest`: the position down to which everything is known to have arrived after the last listing. */
  readonly arrivedTo?: number;
  /** With `keepNewest`: the last position of messages below `arrivedTo` that may have arrived: their dates decide. */
  readonly undatedTo?: number;
  /**
   * With `keepNewest`, in a first listing: the date (epoch ms) of the oldest message within the limit. It becomes the
   * scope's floor at once; without it, the floor is set when the messages within the limit have been read. A later
   * listing that finds no floor gives the time from which on everything has arrived.
   */
  readonly limitedTo?: number;
  /** True where `limitedTo` may be lower than that date, which replaces it once the last message is read. */
  readonly isFloorBelow?: boolean;
  readonly relistAt?: number | null;
  readonly now: number;
}

export interface AbsentQuery {
  readonly mailbox: MailboxId;
  readonly generation: number;
}
