import type { HistoryId, LabelId, MessageId, ThreadId } from './ids.ts';

/** What one history record does to one message. */
export type HistoryOperation =
  | { readonly kind: 'added'; readonly messageId: MessageId; readonly threadId: ThreadId; readonly labelIds: readonly LabelId[] | null }
  | { readonly kind: 'deleted'; readonly messageId: MessageId; readonly threadId: ThreadId }
  | { readonly kind: 'labelsAdded' | 'labelsRemoved'; readonly messageId: MessageId; readonly threadId: ThreadId; readonly labelIds: readonly LabelId[] };

export interface HistoryRecord {
  readonly id: HistoryId;
  readonly operations: readonly HistoryOperation[];
}

/** A message as Gmail answered it. `body` holds the bytes that are stored. */
export interface FetchedMessage {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  readonly labelIds: readonly LabelId[];
  readonly historyId: HistoryId;
  /** Epoch milliseconds; null when Gmail gave none. */
  readonly internalDate: number | null;
  readonly sizeEstimate: number;
  readonly snippet: string;
  /** null for a `minimal` reading, which refreshes labels and keeps the body. */
  readonly body: Uint8Array | null;
  /**
   * `raw`: Gmail gave none of this message. A `raw` reading then has no body, and a `full` one stands in for it. `attachments`: see {@link AttachmentsRead}.
   */
  readonly lacks?: Lacking;
  /** What in it is no value of Gmail's and was left out: it is believed when a second answer says the same. */
  readonly doubt?: string;
  /** Of a `full` reading: how many parts Gmail keeps apart from it, and whether `body` holds them all the same. Absent in other formats. */
  readonly attachments?: AttachmentsRead;
}

export interface AttachmentsRead {
  readonly count: number;
  readonly held: boolean;
  /** How many of them the body holds, where it does not hold all because Gmail does not give them. */
  readonly brought?: number;
}

/** What a stored message lacks, because Gmail does not give it. */
export type Lacking = 'raw' | 'attachments';

export interface Label {
  readonly id: LabelId;
  readonly name: string;
  readonly type: 'system' | 'user';
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
