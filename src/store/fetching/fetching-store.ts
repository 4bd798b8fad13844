import type { FetchedMessage } from '../../model/change.ts';
import type { HistoryId, MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import type { Lane } from '../../model/lane.ts';
import type { MessageFormat } from '../../model/settings.ts';

/** The work list of both lanes, and the results of their gets. */
export interface FetchingStore {
  /**
   * Due work of a lane, newest first: up to `limit` pending and failed rows whose next attempt is due, plus all other
   * due rows of the same threads, of either lane. `live` rows are ordered by discovery, newest first; `backfill` rows
   * by position.
   */
  nextPending(request: {
    mailbox: MailboxId;
    lane: Lane;
    limit: number;
    now: number;
  }): Promise<readonly PendingMessage[]>;
  /**
   * When the lane's next pending or failed row that is not due yet will be due (for `live`, refreshes count too); null
   * when there is none.
   */
  nextAttemptAt(request: { mailbox: MailboxId; lane: Lane; now: number }): Promise<number | null>;
  /**
   * Applies fetched messages to their rows:
   * - A message older than its row's `historyId` came from a stale replica. The row stays as it is, and the id is
   *   returned in `stale`. A tombstone at the same or a newer history id silently wins.
   * - Otherwise the scope decides whether the row becomes `stored` or `excluded`.
   * - A message older than the row's `readingHistoryId` leaves the row's labels alone, since a later listing showed
   *   them. If its labels differ from the row's, these are in question: they are read once more, and only an answer
   *   that was asked for after that (`askedAt`) decides.
   * - Unknown ids are inserted (threads.get brings them), unless the floor of the scope's limit is still open: then a
   *   listing or history brings them.
   * - A message without a body (`minimal`) keeps the held body, and clears the need for a refresh unless labels stay in
   *   question. So does a message in another format than the settings', whose body is not kept.
   * - A row that then lacks its body is `pending`. So is a row whose body lacks attachments that the settings want: the
   *   body is held and completed later. A body with attachments is never replaced by a body without.
   *
   * @returns `stored`: how many messages became `stored`
   */
  saveFetched(request: {
    mailbox: MailboxId;
    messages: readonly FetchedMessage[];
    format: MessageFormat;
    /** When Gmail was asked, epoch ms; when not given, the answers decide over no labels in question. */
    askedAt?: number;
    /** When Gmail answered, epoch ms; `now` when not given. */
    readAt?: number;
    now: number;
  }): Promise<{
    readonly stored: number;
    readonly stale: readonly MessageId[];
    /** Fetched, in scope and still pending: their bodies lack attachments that the settings want. */
    readonly lacking: readonly MessageId[];
  }>;
  /** The held body, whatever the row's state; null when no body is held. */
  heldBody(request: { mailbox: MailboxId; messageId: MessageId }): Promise<Uint8Array | null>;
  /**
   * Writes what becomes of messages whose fetches failed. A row that no longer waits for a fetch, or whose historyId
   * has moved past `asOf`, is left alone. A row that holds everything but its attachments becomes `stored`, lacking
   * them, instead of `failed`, unless the message may be gone. A failing row stays `failed`, also where the next
   * attempt comes soon. A row that begins to fail (`isFailing`) is an event.
   */
  saveFailedFetches(request: { mailbox: MailboxId; failedFetches: readonly FailedFetch[]; now: number }): Promise<void>;
  /**
   * Messages that a relisting showed: unknown ids become `pending` rows of the live lane. So do tombstones no newer
   * than `since`, because the listing cannot just be lagging behind those. With `isAdmitted`, all of them, and known
   * messages that came into the store in another way, count as within the scope's limit. Without it, they are in scope
   * only by their date. A message that records no newer than `since` put out of scope needs a refresh. Does nothing if
   * the generation is no longer the stored one.
   *
   * @returns `unknown`: how many rows became pending
   */
  addListedLate(request: {
    mailbox: MailboxId;
    generation: number;
    messages: readonly { id: MessageId; threadId: ThreadId }[];
    since: HistoryId | null;
    isAdmitted?: boolean;
    now: number;
  }): Promise<{ unknown: number }>;
  /** What is known of these messages that a limit of the scope goes by. An unknown message has no entry. */
  admissionsOf(query: {
    mailbox: MailboxId;
    messageIds: readonly MessageId[];
  }): Promise<ReadonlyMap<MessageId, Admission>>;
  /** Stored or excluded rows whose labels are due to be read again. */
  nextRefresh(request: { mailbox: MailboxId; limit: number; now: number }): Promise<readonly MessageId[]>;
  /**
   * Puts off the refresh of rows whose labels could not be read. The delay doubles each time. History mostly reports
   * the deletion of such a message, but not a deletion older than the mark. So a message whose gets keep answering 404
   * becomes pending: as with any fetch that finds nothing, its thread is asked before the message is buried. The fetch
   * of a stored message that lacks a part becomes due with the refresh, unless 404s are being counted.
   *
   * @param request.notFound - those of `messageIds` whose gets answered 404
   */
  putOffRefresh(request: {
    mailbox: MailboxId;
    messageIds: readonly MessageId[];
    notFound?: ReadonlySet<MessageId>;
    now: number;
  }): Promise<void>;
  /**
   * Makes every failed row due now in the backfill lane, and every stored row whose attachments or raw form are asked
   * for again. Answers that a message does not exist are forgotten: before it is buried, all of them must come again.
   *
   * @returns how many rows were made due
   */
  retryFailed(request: { mailbox: MailboxId; now: number }): Promise<number>;
  /**
   * Corrects times that a wrong clock has written: attempts, refreshes and the next listing that are further ahead than
   * their rules allow become due in a minute.
   *
   * @returns how many were corrected
   */
  correctTimes(request: { mailbox: MailboxId; now: number }): Promise<number>;
}

export interface PendingMessage {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  readonly historyId: HistoryId | null;
  /** How many messages of the thread the store knows, in any state but `gone`: threads.get would bring that many. */
  readonly threadSize: number;
  /** How many attachments a held FULL body lacks; null when no such body is held. */
  readonly lacking: number | null;
  /** True when the FULL form stands in for a raw that Gmail did not give, and the raw is asked for again. */
  readonly standsIn: boolean;
  /** Gmail's estimate in bytes; 0 before the first successful get. */
  readonly sizeEstimate: number;
  readonly state: 'pending' | 'failed';
  readonly attempts: number;
  /** The error of the last failed fetch ({@link FailedFetch.error}); null before the first. */
  readonly lastError: string | null;
  /** When the row became known. */
  readonly discoveredAt: number;
}

/** A fetch that failed, and what becomes of its message. */
export interface FailedFetch {
  readonly id: MessageId;
  /** historyId of the row when the fetch was planned. */
  readonly asOf: HistoryId | null;
  /**
   * `unseen`: neither its get nor its thread shows the message. Until both have been asked again, its row is `failed`,
   * so that no full sync waits for it. No event reports that.
   */
  readonly state: 'pending' | 'failed' | 'unseen' | 'gone';
  readonly attempts: number;
  readonly error: string;
  /** Epoch ms; ignored for `gone`. */
  readonly nextAttemptAt: number;
}

export interface Admission {
  /** Epoch ms; null before it is known. */
  readonly internalDate: number | null;
  /**
   * How the message came within the limit. `listing`: a listing of the newest let it in, or showed it among the newest
   * after it had arrived. `arrival`: history reported it as new after the last listing. null: it did not, or has left.
   */
  readonly by: 'listing' | 'arrival' | null;
}
