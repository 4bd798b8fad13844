import type { FetchedMessage } from '../../model/change.ts';
import type { HistoryId, MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import type { LostBody } from '../../model/lost-body.ts';
import type { MessageFormat } from '../../model/settings.ts';

/** The work list of both lanes, and what their gets bring. */
export interface FetchingStore {
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
  saveFetched(request: { mailbox: MailboxId; messages: readonly FetchedMessage[]; format: MessageFormat; now: number }): Promise<{
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
  /**
   * Unknown ids of a listing become `pending` rows of the live lane (messages that were listed late), and so do tombstones that are no newer than
   * `since`: what the listing shows then is no lag of it. Answers how many there were.
   */
  addListedLate(request: { mailbox: MailboxId; messages: readonly { id: MessageId; threadId: ThreadId }[]; since: HistoryId | null; now: number }): Promise<{ unknown: number }>;
  /** Stored or excluded rows whose labels must be read again, of those whose time has come. */
  nextRefresh(request: { mailbox: MailboxId; limit: number; now: number }): Promise<readonly MessageId[]>;
  /** The labels of these stored or excluded rows could not be read: they are read again later, each time after twice the delay. */
  putOffRefresh(request: { mailbox: MailboxId; messageIds: readonly MessageId[]; now: number }): Promise<void>;
  /** Makes every failed row due now, and every stored one whose attachments or raw are asked for again, in the backfill lane. Answers how many there are. */
  retryFailed(request: { mailbox: MailboxId; now: number }): Promise<number>;
  /**
   * Attempts, refreshes and the next listing from the top that wait for longer than their rules allow were noted by a clock that was wrong: they are due in a minute instead.
   * Answers how many there were.
   */
  correctTimes(request: { mailbox: MailboxId; now: number }): Promise<number>;
  /**
   * A body turned out to be missing or damaged: its message becomes `pending` in the live lane, and is fetched again.
   * The change feed calls it `gone` until it is `stored` again. Answers false, and does nothing, when the row no longer names that object, or its body inside the database is whole by now.
   */
  refetchLost(request: { mailbox: MailboxId; lost: LostBody; now: number }): Promise<boolean>;
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
