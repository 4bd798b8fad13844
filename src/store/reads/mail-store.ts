import type { Lacking } from '../../model/change.ts';
import type { HistoryId, LabelId, MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import type { LostBody } from '../../model/lost-body.ts';
import type { MessageFormat } from '../../model/settings.ts';

/** The reads of an application: messages. */
export interface MailStore {
  /**
   * Every stored (live and in scope) message, streamed. Throws `body-lost` unless the options say what to do about a
   * lost body.
   */
  streamMessages(mailbox: MailboxId, options?: StreamOptions): AsyncIterable<StoredMessage>;
}

export interface StreamOptions {
  /** Called for each message whose body is lost; the stream goes on without it. */
  readonly onLostBody?: (lost: LostBody) => Promise<void>;
}

/** A message as it is stored, not decoded. */
export interface StoredMessage {
  /** Gmail's id of the message. */
  readonly id: MessageId;
  /** Gmail's id of its thread. */
  readonly threadId: ThreadId;
  /** Gmail's ids of its labels. */
  readonly labelIds: readonly LabelId[];
  /** The `historyId` at Gmail as of which it is stored. */
  readonly historyId: HistoryId;
  /** Epoch milliseconds when it arrived at Gmail; null when Gmail does not say. */
  readonly internalDate: number | null;
  /** Bytes, by Gmail's estimate. */
  readonly sizeEstimate: number;
  /** Gmail's beginning of the text, with HTML entities. */
  readonly snippet: string;
  /** The format of the body: the settings', or `full` for a message that lacks its `raw`. */
  readonly format: MessageFormat;
  /** What Gmail does not give of it; null when it lacks nothing. */
  readonly lacks: Lacking | null;
  /**
   * Decompressed, byte for byte as fetched, wherever it is kept. For `raw` the RFC 822 message, otherwise the JSON of
   * Gmail's message resource.
   */
  readonly body: Uint8Array | null;
}
