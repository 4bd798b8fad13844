import type { Lacking } from '../../model/change.ts';
import type { MailboxId, MessageId } from '../../model/ids.ts';
import type { WorkLeft } from '../../model/work-left.ts';

/** How many messages are pending, failed or lacking. */
export interface WorkStore {
  /**
   * Counts of messages by state; `due` counts rows of both lanes whose next attempt has come. Takes time with the size
   * of the mailbox.
   */
  countMessages(mailbox: MailboxId, now: number): Promise<MessageCounts>;
  /** What a sync reports of the mailbox. Cheap where nothing is to be fetched and nothing has changed. */
  countProgress(mailbox: MailboxId): Promise<FetchProgress>;
  /** Pending and failed messages of all mailboxes, and doubted mailboxes. Cheap enough to ask every few seconds. */
  countWork(): Promise<WorkCounts>;
  /**
   * The pending messages in the groups that the fetch plan prices. For more than ten thousand it is an estimate, made
   * from those that are fetched next.
   *
   * @param request.attachments - whether attachments are wanted; otherwise the share of messages with some is 0
   */
  workLeft(request: { mailbox: MailboxId; attachments: boolean }): Promise<WorkLeft>;
  /** Whether messages wait to be fetched or to be read again, now or later. */
  hasWork(mailbox: MailboxId): Promise<boolean>;
  /** Mailboxes of this database whose full sync is under way. */
  countBackfills(): Promise<number>;
  /** Failed messages, next attempt first. */
  listFailed(mailbox: MailboxId, limit: number): Promise<readonly FailedMessage[]>;
  /** Stored messages that lack something, in the order of ids. */
  listLacking(mailbox: MailboxId, limit: number): Promise<readonly LackingMessage[]>;
}

/** How many messages of a mailbox are in each state. */
export interface MessageCounts {
  /** Held, with their content. */
  readonly stored: number;
  /** Known, and still to be fetched. */
  readonly pending: number;
  /**
   * Could not be fetched, and tried again less and less often. A message that seems deleted is among them until that is
   * certain, for some 35 minutes.
   */
  readonly failed: number;
  /** Deleted at Gmail. */
  readonly gone: number;
  /** Left out by the scope of the settings, whether or not the mirror still follows their labels. */
  readonly excluded: number;
  /** Stored messages that lack something which Gmail does not give. */
  readonly lacking: number;
  /** Pending rows of the backfill lane: the work that a full sync has left. */
  readonly backfill: number;
  /** Messages with something to fetch (pending, failed or lacking) whose next attempt has come. */
  readonly due: number;
}

/** How far the mailbox's messages are fetched; the figures are those of {@link MessageCounts}. */
export interface FetchProgress extends Pick<MessageCounts, 'stored' | 'pending' | 'failed'> {
  /** Whether the backfill lane has pending messages: the full sync is not complete. */
  readonly isBackfilling: boolean;
}

export interface WorkCounts {
  readonly pending: number;
  readonly failed: number;
  /** Mailboxes whose last listing does not agree with what Gmail counts, or with what is held. */
  readonly doubted: number;
}

/** A message that could not be fetched. */
export interface FailedMessage {
  /** Gmail's id of the message. */
  readonly id: MessageId;
  /** Why the last attempt failed. */
  readonly error: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** Epoch milliseconds when it is tried again. */
  readonly nextAttemptAt: number;
}

/** A message that is stored without a part that it has, or should have, at Gmail. */
export interface LackingMessage {
  /** Gmail's id of the message. */
  readonly id: MessageId;
  /** What is lacking. */
  readonly lacks: Lacking;
  /** Why the part is lacking; null when Gmail simply has none. */
  readonly error: string | null;
  /** Epoch ms when it is asked for again; null when it is not asked for. */
  readonly nextAttemptAt: number | null;
}
