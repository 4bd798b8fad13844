import type { HistoryRecord, Label, Lacking, Reading } from '../model/change.ts';
import type { HistoryId, LabelId, MailboxId, MessageId, ThreadId } from '../model/ids.ts';
import type { MailboxSettings, MessageFormat } from '../model/settings.ts';
import type { LostBody } from './fetching/lost-bodies.ts';

/**
 * The mirror of many mailboxes in one database. Every write is one transaction that first locks the mailbox's row,
 * so writers of one mailbox take turns, and is guarded by history ids: doing it twice, late, or beside another attempt
 * of the same activity leaves the same rows.
 *
 * A row's state:
 * - `pending`: known to exist, not fetched yet (or to be fetched again);
 * - `stored`: body held, in scope. It may lack what Gmail does not give ({@link StoredMessage.lacks}); all but the raw of a chat is asked for again at `nextAttemptAt`;
 * - `failed`: could not be fetched; tried again at `nextAttemptAt`;
 * - `gone`: deleted at Gmail, or left out by a narrower scope, whose listing does not tell the two apart. The row stays as a tombstone, so that an older reading cannot bring it back;
 * - `excluded`: exists at Gmail outside the scope (spam, another label, too old). Its labels are followed, its body is not needed.
 *
 * Two history ids guard a row: `historyId` is the newest at which the message itself is known to have changed (by a get, or by a record),
 * and is what a get must not fall behind; `readingHistoryId` is the one up to which the row contains everything (of a get, or the
 * `startHistoryId` of a listing whose labels were compared). The second may be the newer one: Gmail's historyId of a quiet message is old.
 *
 * A mailbox must be known ({@link MailboxStore.putMailbox}) before anything else is asked of it than {@link MailboxStore.getMailbox}:
 * otherwise every method throws `lost`, because that is what a deleted or replaced database looks like.
 *
 * @throws {StoreError} from every method, when the database cannot be used
 */
export interface MailboxStore {
  // ── mailboxes ──
  /**
   * Creates the mailbox, or changes the settings of an existing one. Answers the mailbox as it is then.
   * Rows follow changed settings when the next generation's listing ends.
   * With `replaces` settings are changed only while they are still these: an attempt that was given up may be asking.
   * `chain` is the first run id of the workflow that asks: once it was removed with the mailbox, it creates none any more, and gets `lost`.
   */
  putMailbox(request: { mailbox: MailboxId; settings: MailboxSettings; replaces?: MailboxSettings; chain?: string; now: number }): Promise<MailboxRow>;
  /** null when the store does not know the mailbox. */
  getMailbox(mailbox: MailboxId): Promise<MailboxRow | null>;
  listMailboxes(): Promise<readonly MailboxRow[]>;
  /** Counts of messages by state; `due` counts pending and failed rows whose next attempt has come. */
  countMessages(mailbox: MailboxId, now: number): Promise<MessageCounts>;
  /** Pending and failed messages of all mailboxes: cheap enough to be asked every few seconds. */
  countWork(): Promise<WorkCounts>;
  /** Throws `newer-schema` or `older-schema` when the database has another schema than this program's by now, `unavailable` when it does not answer. */
  check(): Promise<void>;
  /** What the operator should see beside the workflow's state: a lane's last failure, and until when Gmail told it to wait. The other lane's stays. */
  noteCondition(request: { mailbox: MailboxId; lane: keyof Conditions; condition: Condition | null }): Promise<void>;
  /** What became of asking Gmail to watch the mailbox; null when it was told to stop. */
  saveWatch(request: { mailbox: MailboxId; watch: MailboxWatch | null }): Promise<void>;

  // ── full sync ──
  /**
   * Begins a generation, or answers the progress of the same generation begun earlier (a retry goes on where it stopped).
   * A generation older than the stored one is refused: answers null. Passes and listings are counted from 0.
   * `settings` are saved in the transaction that begins it: what is listed, and what decides over rows from then on, are never two scopes.
   * Where they want messages in another form (format, attachments), pending and failed rows are due at once, as if they had never been tried.
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
   * A listed tombstone becomes `pending` again: a get decides, guarded by the tombstone's history id. `stored`, `failed`,
   * `pending` and `excluded` rows keep their state. A row's position (order of listing, 0 is the newest) is set once per generation.
   * Saves `progress` in the same transaction. Answers how many ids were unknown.
   * Does nothing when the generation is no longer the stored one, or when its listing has ended (a given-up attempt is still listing).
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
   * The same for a page of one label's listing: remembered until {@link MailboxStore.finishListing}. `isInScope`: whatever it shows is in scope, so that
   * what the scope's own listing left out counts as seen, in the first place: where it stands among the others nobody has told.
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
   * With step `done` and a limit in the scope, the oldest message within the limit sets the floor: an older one does not come
   * in when a label operation brings it up (see scope-floor.ts).
   */
  saveProgress(request: { mailbox: MailboxId; generation: number; progress: FullSyncProgress }): Promise<void>;
  /** Stored and excluded rows, and others whose body is held, that this generation's listing saw, after `after` in the order of ids. */
  listSeen(query: AbsentQuery & { after: MessageId | null; limit: number }): Promise<readonly MessageId[]>;
  /** How many messages this generation's listing has shown so far, and each label's. */
  countListed(query: AbsentQuery): Promise<ListedCounts>;
  /**
   * What the end of this listing would bury, or take a label off, by what the listings showed: rows that changed after `startHistoryId` are left out.
   * Labels from before a gap in the history that was read put no row out of scope.
   * `listedBefore`: when the listing before this one ended that left a doubt (epoch ms); null when there is none.
   */
  findSuspects(query: AbsentQuery & { labels: 'compared' | 'unread'; listedBefore: number | null }): Promise<Suspects>;
  /**
   * A get is a better witness than a listing: these messages count as listed, under the labels that their readings have. `unanswered` ones, whose get
   * told nothing, count as listed under the labels that their rows have. Answers under which labels those were listed before that had been.
   */
  correctListing(
    request: AbsentQuery & { readings: readonly Pick<Reading, 'id' | 'labelIds'>[]; unanswered: readonly MessageId[] },
  ): Promise<{ listed: ReadonlyMap<MessageId, readonly LabelId[]> }>;
  /**
   * Ends the listing in one transaction:
   * - pending, stored and failed rows that the listing did not see become `gone`, and contain everything up to `startHistoryId`, unless their own
   *   `historyId` is newer (a live sync found them after the listing began). So do `excluded` rows, uncounted: nothing is known of them any more, but
   *   without the tombstone a reading from before they left the scope would bring them back. Where nothing had been held before (not `reconciling`)
   *   absence says nothing: what was never read is removed, what was read meanwhile stays;
   * - with `labels: 'compared'`, each seen row whose `historyId` is not newer than `startHistoryId` gets exactly the labels whose
   *   listings held it, and its `readingHistoryId` becomes `startHistoryId` (not its `historyId`: a get of a quiet message answers the old one for
   *   ever, and must not count as stale); its state follows the scope (`stored` ⇄ `excluded`; an `excluded` row that comes into scope is `stored`
   *   when its body is held in the right format, else `pending`). A seen row that is newer than `startHistoryId`, was not read since, and
   *   differs from the listings needs a refresh;
   * - rows that were not compared follow the scope by the labels that they have: the settings may have changed since they were settled;
   * - rows whose body is of another format than the settings' become `pending` (backfill lane);
   * - with `keepNewest` (scope limit) pending rows created by this generation at a position beyond
   *   max(keepNewest - 1, the position of the last row known before) are removed;
   * - the mark becomes `startHistoryId`, the marks to settle are reset to it as of `startedAt`, progress.step becomes `fetching`;
   * - where `absence` is `doubted` nothing becomes `gone`, and `doubtedLabels` are taken off no row; `doubt` is kept to be shown;
   * - the next listing from the top is due at `relistAt` (null or absent: none is).
   * Differences go to the change feed. Label-listing rows are removed. Does nothing when the generation is not the stored one, or when its listing has ended.
   */
  finishListing(request: FinishListingRequest): Promise<{ gone: number; relabelled: number }>;
  /**
   * Names of labels follow `labels.list`. One that it does not name stays: that may be one odd answer. `unlisted` are those of which Gmail should be
   * asked now whether they are gone ({@link MailboxStore.keepLabel} and {@link MailboxStore.removeLabel} take the answer). `fresh` are those that were
   * named for the first time some minutes ago: an earlier listing may have passed them over, so they are to be listed once.
   */
  saveLabels(request: { mailbox: MailboxId; labels: readonly Label[]; now: number }): Promise<{ changed: number; unlisted: readonly LabelId[]; fresh: readonly LabelId[] }>;
  /** Of these messages, those that are held without the label are read again. */
  readAgainWithout(request: { mailbox: MailboxId; labelId: LabelId; messageIds: readonly MessageId[]; now: number }): Promise<void>;
  /** Gmail has this label: one that labels.list does not name is asked about again later, ever more rarely; a fresh one no more. */
  keepLabel(request: { mailbox: MailboxId; labelId: LabelId; now: number }): Promise<void>;
  /** A label is gone: its name, and the label off every message. For two days Gmail is to be asked about it again: what was on its way (history that
   * is replayed, a get) may bring it back. A message that leaves the scope by that becomes `excluded`, its body held: at the listing's end, while there is one. */
  removeLabel(request: { mailbox: MailboxId; labelId: LabelId; now: number }): Promise<{ relabelled: number }>;
  getLabels(mailbox: MailboxId): Promise<readonly Label[]>;
  /** The labels of these messages, sorted. */
  labelsOf(request: { mailbox: MailboxId; messageIds: readonly MessageId[] }): Promise<ReadonlyMap<MessageId, readonly LabelId[]>>;
  /** The labels that messages carry, whether labels.list names them or not. */
  heldLabelIds(mailbox: MailboxId): Promise<readonly LabelId[]>;

  // ── fetching ──
  /**
   * Due work of a lane, newest first: up to `limit` pending rows (and failed rows) whose next attempt has come, completed by all other due rows of
   * the same threads, of either lane. `live` rows come newest-discovered first, `backfill` rows by position.
   */
  nextPending(request: { mailbox: MailboxId; lane: 'live' | 'backfill'; limit: number; now: number }): Promise<readonly PendingMessage[]>;
  /** When the next pending or failed row of the lane that is not yet due will be (for `live`, or the next refresh); null when there is none. */
  nextAttemptAt(request: { mailbox: MailboxId; lane: 'live' | 'backfill'; now: number }): Promise<number | null>;
  /**
   * Applies readings. A reading older than its row's `historyId` came from a stale replica: the row stays as it is, and is answered in `stale`
   * (a tombstone at the same or a newer history id silently wins). Otherwise the row becomes `stored` or `excluded` by the scope, body and all;
   * a reading older than the row's `readingHistoryId` keeps the row's labels, which a later listing told; where they differ, they are read once more.
   * Unknown ids are inserted (a thread brought them). A reading without body (`minimal`) keeps a held body, and clears the need for a refresh;
   * so does one in another format than the settings', whose body is not kept. A row that then lacks its body is `pending`. So is one whose body
   * lacks attachments that the settings want: that body is held, and completed by a later reading. A body with attachments is never replaced by one without.
   * Answers how many messages became `stored`.
   */
  saveReadings(request: { mailbox: MailboxId; readings: readonly Reading[]; format: MessageFormat; now: number }): Promise<{
    readonly stored: number;
    readonly stale: readonly MessageId[];
    /** In scope and read, and pending still: their bodies lack attachments that the settings want. */
    readonly lacking: readonly MessageId[];
  }>;
  /** The body as it is held, whatever the row's state; null when none is. */
  heldBody(request: { mailbox: MailboxId; messageId: MessageId }): Promise<Uint8Array | null>;
  /**
   * Writes what became of failed fetches. A row that waits for no fetch any more, or whose historyId moved past `asOf`, is left alone. One that holds all but
   * its attachments is not `failed` but `stored`, lacking them.
   */
  saveAttempts(request: { mailbox: MailboxId; attempts: readonly FetchAttempt[]; now: number }): Promise<void>;
  /** Makes every failed row due now, and every stored one whose attachments or raw are asked for again, in the backfill lane. Answers how many there are. */
  retryFailed(request: { mailbox: MailboxId; now: number }): Promise<number>;
  /**
   * Attempts, refreshes and the next listing from the top that wait for longer than their rules allow were noted by a clock that was wrong: they are due in a minute instead.
   * Answers how many there were.
   */
  correctTimes(request: { mailbox: MailboxId; now: number }): Promise<number>;
  /** Failed messages, next attempt first. */
  listFailed(mailbox: MailboxId, limit: number): Promise<readonly FailedMessage[]>;
  /** Stored messages that lack something, in the order of ids. */
  listLacking(mailbox: MailboxId, limit: number): Promise<readonly LackingMessage[]>;

  // ── partial sync ──
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
   * Unknown ids of a listing become `pending` rows of the live lane (messages that were listed late), and so do tombstones that are no newer than
   * `since`: what the listing shows then is no lag of it. Answers how many there were.
   */
  addListedLate(request: { mailbox: MailboxId; messages: readonly { id: MessageId; threadId: ThreadId }[]; since: HistoryId | null; now: number }): Promise<{ unknown: number }>;
  /**
   * Messages that were read in the first seconds of a first full sync: a replica may have been behind the mark, so they are to be read again
   * ({@link MailboxStore.nextRefresh}), unless history settles them before. Empty while that is not due.
   */
  listEarlyReadings(request: { mailbox: MailboxId; now: number; limit: number }): Promise<readonly EarlyReading[]>;
  /** Applies records from before the mark to early readings, and has the `settled` ones read no more. */
  settleEarlyReadings(request: { mailbox: MailboxId; records: readonly HistoryRecord[]; settled: readonly MessageId[]; now: number }): Promise<void>;
  /** What is doubted from now on (null: nothing), and when the next listing from the top is due. Does nothing when the generation is not the stored one. */
  saveDoubt(request: { mailbox: MailboxId; generation: number; doubt: Doubt | null; relistAt: number | null }): Promise<void>;
  /** Settles the time of the next listing from the top; null when none is due any more. */
  setRelistAt(request: { mailbox: MailboxId; generation: number; relistAt: number | null }): Promise<void>;
  /** Stored or excluded rows whose labels must be read again, of those whose time has come. */
  nextRefresh(request: { mailbox: MailboxId; limit: number; now: number }): Promise<readonly MessageId[]>;
  /** The labels of these stored or excluded rows could not be read: they are read again later, each time after twice the delay. */
  putOffRefresh(request: { mailbox: MailboxId; messageIds: readonly MessageId[]; now: number }): Promise<void>;

  // ── audit ──
  /** Begins an audit: what an earlier one listed is forgotten. */
  beginAudit(request: { mailbox: MailboxId; audit: number }): Promise<void>;
  /** Remembers a page of the scope's listing (`labelId` null), or of a label's. */
  saveAuditPage(request: { mailbox: MailboxId; audit: number; labelId: LabelId | null; messageIds: readonly MessageId[] }): Promise<void>;
  /**
   * Compares what was listed with the rows, in bounded memory, at most `limit` messages of each kind. Left out is what is known to be under way:
   * pending and failed rows, rows that wait for a refresh, and rows that changed after `since`. `checked` counts the rows whose labels were compared.
   */
  compareAudit(request: { mailbox: MailboxId; audit: number; since: HistoryId; limit: number }): Promise<Drift & { readonly checked: number }>;
  /** Keeps an audit's result and forgets what it listed. Does nothing when another audit has begun since. */
  saveAudit(request: { mailbox: MailboxId; audit: number; result: AuditResult }): Promise<void>;

  // ── reading ──
  /** Changes after `after`, oldest first. Sequence numbers have no gaps. */
  readChanges(request: { mailbox: MailboxId; after: number; limit: number }): Promise<readonly Change[]>;
  /** Every stored (live and in scope) message, streamed. Throws `body-lost` unless the options say what to do about a lost body. */
  streamMessages(mailbox: MailboxId, options?: StreamOptions): AsyncIterable<StoredMessage>;
  /**
   * A body turned out to be missing or damaged: its message becomes `pending` in the live lane, and is fetched again.
   * The change feed calls it `gone` until it is `stored` again. Answers false, and does nothing, when the row no longer names that object, or its body inside the database is whole by now.
   */
  refetchLost(request: { mailbox: MailboxId; lost: LostBody; now: number }): Promise<boolean>;
  /** Puts the markers anew of places of bodies that lack theirs, so that what was in them counts as lost. Answers the places. */
  rebuildBodyPlaces(): Promise<readonly string[]>;
  /** Usage by method over the mailbox's life. */
  getUsage(mailbox: MailboxId): Promise<readonly { method: string; calls: number; units: number; rejected: number }[]>;
  /** Units that all mailboxes of the store spent on a Pacific day (`2026-11-22`). A crash may have lost what a session counted within a second. */
  unitsOfDay(day: string): Promise<number>;
  /** The document of the quota ledger; null before the first call. */
  getLedger(mailbox: MailboxId): Promise<string | null>;
  /** What is pending, summed up as the fetch plan prices it. */
  workLeft(request: { mailbox: MailboxId }): Promise<WorkLeft>;
  /** Mailboxes of this database whose full sync is under way. */
  countBackfills(): Promise<number>;

  close(): Promise<void>;
}

/** See `WorkLeft` of the gmail room's fetch plan, which prices it. */
export interface WorkLeft {
  readonly threads: readonly { readonly fresh: number; readonly threads: number }[];
  readonly tried: number;
  readonly lacking: number;
  readonly attachedShare: number;
}

export interface StreamOptions {
  /** Called for each message whose body is lost; the stream goes on without it. */
  readonly onLostBody?: (lost: LostBody) => Promise<void>;
}

export interface MailboxRow {
  readonly id: MailboxId;
  readonly settings: MailboxSettings;
  /** The mark: everything up to it is in the store, or durably pending. null before the first listing ended. */
  readonly historyId: HistoryId | null;
  readonly generation: number;
  /** null before the first full sync. */
  readonly fullSync: FullSyncProgress | null;
  /** Marks of the last seconds, oldest first: history is read again from the newest one that is old enough to have settled. */
  readonly marks: readonly SettleMark[];
  /** Epoch ms; null when no listing from the top is due. */
  readonly relistAt: number | null;
  /** The worse of {@link MailboxRow.conditions}. */
  readonly condition: Condition | null;
  readonly conditions: Conditions;
  readonly changeSequence: number;
  readonly createdAt: number;
  /** When the mark was last confirmed to be the mailbox's head. */
  readonly syncedAt: number | null;
  /** What the last audit found; null before the first. */
  readonly audit: AuditResult | null;
  /** null when Gmail was never asked to tell of changes, or was told to stop. */
  readonly watch: MailboxWatch | null;
  /** null before the account behind the credentials was asked for its address. */
  readonly account: MailboxAccount | null;
  /** The address that the mailbox had before it was renamed; null when it never was. */
  readonly renamedFrom: MailboxId | null;
  /** null while Gmail's listings are believed. */
  readonly doubt: Doubt | null;
}

/** The account behind a mailbox's credentials. Times are epoch ms. */
export interface MailboxAccount {
  /** Its address at Google, which may be another than the mailbox's: an account can be renamed. */
  readonly address: MailboxId;
  /** When it was first seen under this address. */
  readonly since: number;
  /** The credentials that opened it, by their version, when it was asked last, and the mailbox's units by then. */
  readonly version: number;
  readonly checkedAt: number;
  readonly units: number;
}

/** What Gmail's listings say, and nothing else bears out. Nothing is removed by it; the listing is repeated at {@link MailboxRow.relistAt}. */
export interface Doubt {
  /** Epoch ms of the listing that was doubted first, and of the last one. */
  readonly since: number;
  readonly checkedAt: number;
  /** How many listings in a row were doubted, of those that were some minutes apart. */
  readonly checks: number;
  /** Messages that Gmail counts, and lists nowhere. */
  readonly uncounted: number;
  /** Messages held here that the listings did not show. */
  readonly absent: number;
  /** Messages held here that the listings of their labels did not show. */
  readonly relabelled: number;
  /** Messages that Gmail counts under a label, and does not list there; 0 where that could not be compared; absent where both agree. */
  readonly underLabels?: number;
}

export interface EarlyReading {
  readonly id: MessageId;
  /** Of the reading: what it may have missed is newer. */
  readonly historyId: HistoryId;
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

/** Times are epoch ms. */
export interface MailboxWatch {
  /** What Gmail agreed to last; null when it never did. */
  readonly held: HeldWatch | null;
  /** What failed last, and is not asked for again before `at`; null after a success. */
  readonly retry: { readonly topicName: string; readonly labelIds: readonly LabelId[]; readonly at: number } | null;
}

export interface HeldWatch {
  readonly topicName: string;
  readonly labelIds: readonly LabelId[];
  readonly renewedAt: number;
  /** When it ends unless it is renewed. */
  readonly expiration: number;
}

/** Where the store differs from Gmail. */
export interface Drift {
  /** At Gmail and in scope, and not held. */
  readonly missing: readonly MessageId[];
  /** Held, and not at Gmail, or out of scope. */
  readonly extra: readonly MessageId[];
  /** Held with other labels than Gmail has. */
  readonly differing: readonly MessageId[];
}

export interface AuditResult {
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Messages whose labels were compared. */
  readonly checked: number;
  readonly missing: number;
  readonly extra: number;
  readonly differing: number;
  /** Up to ten ids of each. */
  readonly examples: Drift;
}

export interface SettleMark {
  readonly historyId: HistoryId;
  readonly at: number;
}

/** A failure or wait that is going on now. `message` is for a person and holds nothing private. */
export interface Condition {
  readonly kind: 'rate-limited' | 'failing' | 'needs-consent' | 'failed';
  readonly message: string;
  readonly since: number;
  readonly until: number | null;
  /** False when the workflow has to be told of this wait again; it knows of it where this is absent. */
  readonly told?: boolean;
}

/** Each lane's own: a live sync that succeeds says nothing of a backfill that fails. */
export interface Conditions {
  readonly live: Condition | null;
  readonly backfill: Condition | null;
}

interface FullSyncStart {
  readonly generation: number;
  /** The mailbox's head before the listing began: the mark, once the listing ended. */
  readonly startHistoryId: HistoryId;
  readonly startedAt: number;
  /** True when the store held messages before: then labels are compared, and absent messages are confirmed gone. */
  readonly reconciling: boolean;
  /** How often the listing was repeated because Gmail counts more messages than it listed. */
  readonly repeats?: number;
}

/** Where a full sync is; saved with every page, so a retry goes on from it. */
export type FullSyncProgress = FullSyncStart &
  (
    | {
        readonly step: 'listing';
        /** Which pass over the whole listing: passes repeat while messages vanish during one, since page tokens may shift. */
        readonly pass: number;
        /** Index into the listings of the scope (one per scope label; one for all mail). */
        readonly listing: number;
        readonly pageToken: string | null;
        readonly position: number;
        /** Head some time before this pass began: what history says since then tells whether the pass was clean. */
        readonly passHistoryId: HistoryId;
        /** True once a listing of this pass took more than a page: only then can a page token have shifted. */
        readonly paged?: boolean;
        /** The labels to list after it, when the pass repeats one that was not clean. */
        readonly labels?: readonly LabelId[];
      }
    | {
        readonly step: 'label-listing';
        readonly pass: number;
        readonly remaining: readonly LabelId[];
        readonly pageToken: string | null;
        readonly passHistoryId: HistoryId;
        readonly paged?: boolean;
      }
    /** Labels are read message by message instead; those up to `after` were. */
    | { readonly step: 'reading-labels'; readonly after: MessageId | null; readonly passHistoryId?: HistoryId }
    /** What the listings did not show is confirmed. `passHistoryId`, as in the steps before; absent as from earlier versions it is the start. */
    | { readonly step: 'confirming'; readonly passHistoryId?: HistoryId; readonly moved?: number }
    | { readonly step: 'fetching' }
    | { readonly step: 'done'; readonly finishedAt: number }
  );

export interface AbsentQuery {
  readonly mailbox: MailboxId;
  readonly generation: number;
}

export interface MessageCounts {
  readonly stored: number;
  readonly pending: number;
  readonly failed: number;
  readonly gone: number;
  readonly excluded: number;
  /** Of the stored ones, those that lack something which Gmail does not give. */
  readonly lacking: number;
  /** Pending rows of the backfill lane: what a full sync has left. */
  readonly backfill: number;
  readonly due: number;
}

export interface WorkCounts {
  readonly pending: number;
  readonly failed: number;
}

export interface PendingMessage {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  readonly historyId: HistoryId | null;
  /** How many messages of this thread the store knows, whatever their state except gone: what threads.get would bring. */
  readonly threadSize: number;
  /** How many attachments a held FULL body lacks; null when no such body is held. */
  readonly lacking: number | null;
  /** True when it is stored in full, because Gmail gave no raw of it, and asked for its raw again. */
  readonly standsIn: boolean;
  /** Gmail's estimate in bytes; 0 before the first reading. */
  readonly sizeEstimate: number;
  readonly state: 'pending' | 'failed';
  readonly attempts: number;
  /** What the last attempt told ({@link FetchAttempt.error}); null before the first. */
  readonly lastError: string | null;
  /** When the row became known. */
  readonly discoveredAt: number;
}

export interface FetchAttempt {
  readonly id: MessageId;
  /** historyId of the row when the fetch was planned. */
  readonly asOf: HistoryId | null;
  readonly state: 'pending' | 'failed' | 'gone';
  readonly attempts: number;
  readonly error: string;
  /** Epoch ms; ignored for `gone`. */
  readonly nextAttemptAt: number;
}

export interface FailedMessage {
  readonly id: MessageId;
  readonly error: string;
  readonly attempts: number;
  readonly nextAttemptAt: number;
}

export interface LackingMessage {
  readonly id: MessageId;
  readonly lacks: Lacking;
  /** Why; null where nothing more is known than that Gmail has none. */
  readonly error: string | null;
  /** Epoch ms when it is asked for again; null when it is not. */
  readonly nextAttemptAt: number | null;
}

export interface AppliedHistory {
  readonly added: number;
  readonly deleted: number;
  readonly relabelled: number;
  readonly late: number;
  /** True when some operation had not been applied before. */
  readonly changed: boolean;
}

/** What an application reads. One entry per difference of a row, written in the transaction that made it. */
export interface Change {
  readonly sequence: number;
  /** `stored`: a message is readable now, or holds by now what it lacked; `labels`: its labels differ; `gone`: deleted, or left the scope. */
  readonly kind: 'stored' | 'labels' | 'gone';
  readonly messageId: MessageId;
  readonly threadId: ThreadId;
  readonly labelIds: readonly LabelId[];
  readonly historyId: HistoryId;
  readonly at: number;
}

export interface StoredMessage {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  readonly labelIds: readonly LabelId[];
  readonly historyId: HistoryId;
  readonly internalDate: number | null;
  readonly sizeEstimate: number;
  readonly snippet: string;
  /** In which the body is held: the settings', or `full` for a message that lacks its `raw`. */
  readonly format: MessageFormat;
  /** What Gmail does not give of it; null when it lacks nothing. */
  readonly lacks: Lacking | null;
  /** Decompressed, byte for byte as fetched, wherever it is kept. For `raw` the RFC 822 message, otherwise the JSON of Gmail's message resource. */
  readonly body: Uint8Array | null;
}
