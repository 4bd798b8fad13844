import type { FeedCursor } from './feed-cursor.ts';
import type { HistoryId, LabelId, MailboxId, MessageId, ThreadId } from './ids.ts';

/** What one history record does to one message. */
export type HistoryOperation =
  | {
      readonly kind: 'added';
      readonly messageId: MessageId;
      readonly threadId: ThreadId;
      readonly labelIds: readonly LabelId[] | null;
    }
  | { readonly kind: 'deleted'; readonly messageId: MessageId; readonly threadId: ThreadId }
  | {
      readonly kind: 'labelsAdded' | 'labelsRemoved';
      readonly messageId: MessageId;
      readonly threadId: ThreadId;
      readonly labelIds: readonly LabelId[];
    };

export interface HistoryRecord {
  readonly id: HistoryId;
  readonly operations: readonly HistoryOperation[];
}

/** A message as Gmail answered a get. `body` holds the bytes that are stored. */
export interface FetchedMessage {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  readonly labelIds: readonly LabelId[];
  readonly historyId: HistoryId;
  /** Epoch milliseconds; null when Gmail gave none. */
  readonly internalDate: number | null;
  readonly sizeEstimate: number;
  readonly snippet: string;
  /** null in format `minimal`, which refreshes labels and keeps the stored body. */
  readonly body: Uint8Array | null;
  /**
   * `raw`: Gmail gave no raw form of this message, so `body` is null in format `raw`, and the `full` form stands in for
   * it. `attachments`: see {@link AttachmentsRead}.
   */
  readonly lacks?: Lacking;
  /** Which implausible value of the answer was left out. The message is believed when a second answer repeats it. */
  readonly leftOut?: string;
  /**
   * In format `full`: how many parts Gmail stores apart from the message, and whether `body` includes them. Absent in
   * other formats.
   */
  readonly attachments?: AttachmentsRead;
}

export interface AttachmentsRead {
  readonly count: number;
  readonly held: boolean;
  /** How many of them the body holds when Gmail does not give all of them. */
  readonly brought?: number;
}

/** What a stored message lacks, because Gmail does not give it. */
export type Lacking = 'raw' | 'attachments';

/** A label of a mailbox. */
export interface Label {
  /** Gmail's id of it, such as `INBOX` or `Label_7`. */
  readonly id: LabelId;
  /** The name that people see. */
  readonly name: string;
  /** `system` is Gmail's own, `user` was made by a person or program. */
  readonly type: 'system' | 'user';
}

/** Why a message left the mirror: it was deleted at Gmail, or the scope of the settings leaves it out. */
export type WhyGone = 'deleted' | 'excluded';

/** What an entry of the change feed says of its message, whatever happened to it. */
export interface ChangedMessage {
  /** The mailbox of the message. */
  readonly mailbox: MailboxId;
  /** Counts the changes of the mailbox from 1, without gaps. */
  readonly sequence: number;
  /** Gmail's id of the message. */
  readonly messageId: MessageId;
  /** Gmail's id of its thread. */
  readonly threadId: ThreadId;
  /** The message's labels after the change; for `gone`, the last ones that were known. */
  readonly labelIds: readonly LabelId[];
  /**
   * How the labels differ from what the feed said of the message before. A message that the feed did not know gains all
   * of its labels. Both are null in an entry that an earlier version of Tidemark wrote.
   */
  readonly added: readonly LabelId[] | null;
  /** The labels that the message lost; see `added`. */
  readonly removed: readonly LabelId[] | null;
  /** The mailbox's `historyId` at Gmail as of the change. */
  readonly historyId: HistoryId;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * One entry of the change feed that applications read. It is written in the transaction that changed the message's row.
 * - `stored`: the message is readable, or now holds what it lacked;
 * - `labels`: its labels changed;
 * - `gone`: it left, see {@link WhyGone}. `unknown` is the reason in an entry that an earlier version wrote.
 */
export type Change = ChangedMessage &
  ({ readonly kind: 'stored' | 'labels' } | { readonly kind: 'gone'; readonly why: WhyGone | 'unknown' });

/** A change in the feed of all mailboxes. */
export type FeedChange = Change & {
  /** The place after this change. */
  readonly cursor: FeedCursor;
};
