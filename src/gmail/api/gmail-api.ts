import type { HistoryRecord, Label, FetchedMessage } from '../../model/change.ts';
import type { HistoryId, LabelId, MessageId, ThreadId } from '../../model/ids.ts';
import type { MessageFormat } from '../../model/settings.ts';
import type { GmailError } from './gmail-error.ts';

/** Gmail's API for one mailbox. Every method throws {@link GmailError} and stops at once when the signal aborts. */
export interface GmailApi {
  /**
   * Fetches what a call needs before it can be sent (an access token), so that its units are counted when it really
   * starts.
   */
  prepare(signal?: AbortSignal): Promise<void>;
  /** users.getProfile. `historyId` is the mailbox's head. */
  getProfile(signal?: AbortSignal): Promise<Profile>;
  /** users.labels.list */
  listLabels(signal?: AbortSignal): Promise<readonly Label[]>;
  /** users.labels.get: whether a label exists, and how many messages carry it. null when Gmail knows no such label. */
  getLabel(id: LabelId, signal?: AbortSignal): Promise<CountedLabel | null>;
  /** users.messages.list, 500 ids a page, newest first. */
  listMessages(query: ListMessagesQuery, signal?: AbortSignal): Promise<MessagePage>;
  /** users.history.list, 500 records a page, oldest first. A page may be empty and still have a next one. */
  listHistory(query: ListHistoryQuery, signal?: AbortSignal): Promise<HistoryPage>;
  /** users.watch: from now on Gmail publishes changes to the topic, for a week. Renews an existing watch. */
  watch(request: WatchRequest, signal?: AbortSignal): Promise<Watch>;
  /** users.stop: Gmail stops publishing changes. */
  stopWatch(signal?: AbortSignal): Promise<void>;
  /**
   * messages.get and threads.get in one batch of at most {@link MAX_BATCH} requests. Returns an outcome for every
   * request, in order. Throws only when the whole batch failed.
   */
  batchGet(
    requests: readonly FetchRequest[],
    format: MessageFormat,
    signal?: AbortSignal,
  ): Promise<readonly FetchOutcome[]>;
  /**
   * messages.attachments.get: the bytes in base64url. The id must come from the message's last get, since each get may
   * name another id.
   */
  getAttachment(
    attachment: { readonly messageId: MessageId; readonly attachmentId: string },
    signal?: AbortSignal,
  ): Promise<string>;
}

/** Google recommends no more than 50 calls a batch: https://developers.google.com/workspace/gmail/api/guides/batch */
export const MAX_BATCH = 50;

/** @throws {RangeError} when a batch is larger than {@link MAX_BATCH} */
export function requireBatchSize({ length }: readonly FetchRequest[]): void {
  if (length > MAX_BATCH) throw new RangeError(`a batch holds at most ${MAX_BATCH} requests, not ${length}`);
}

export interface Profile {
  readonly emailAddress: string;
  readonly historyId: HistoryId;
  /** Messages in the mailbox, including spam and trash; null when Gmail does not say. */
  readonly messagesTotal: number | null;
}

/** A label and how many messages carry it. */
export interface CountedLabel extends Label {
  /** null when Gmail does not say. It is not documented whether spam and trash count. */
  readonly messagesTotal: number | null;
}

export interface WatchRequest {
  /** `projects/P/topics/T` */
  readonly topicName: string;
  /** Only changes of messages with one of these labels; empty means every change. */
  readonly labelIds: readonly LabelId[];
}

export interface Watch {
  /** The mailbox's head when the watch began. */
  readonly historyId: HistoryId;
  /** Epoch ms when it ends. */
  readonly expiration: number;
}

export interface ListMessagesQuery {
  /** ANDed by Gmail. */
  readonly labelIds?: readonly LabelId[];
  /** Gmail search; barred under the gmail.metadata scope. */
  readonly q?: string;
  readonly includeSpamTrash: boolean;
  readonly pageToken: string | null;
}

export interface ListedMessage {
  readonly id: MessageId;
  readonly threadId: ThreadId;
}

export interface MessagePage {
  readonly messages: readonly ListedMessage[];
  readonly nextPageToken: string | null;
}

export interface ListHistoryQuery {
  readonly startHistoryId: HistoryId;
  readonly pageToken: string | null;
}

export interface HistoryPage {
  readonly records: readonly HistoryRecord[];
  readonly nextPageToken: string | null;
  /** The mailbox's head when the page was made: a mark only after the last page. */
  readonly historyId: HistoryId;
}

export type FetchRequest =
  /** `format` overrides the batch's. */
  | { readonly kind: 'message'; readonly id: MessageId; readonly format?: MessageFormat }
  /**
   * threads.get has no raw format:
   * https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.threads/get
   */
  | { readonly kind: 'thread'; readonly id: ThreadId };

export type FetchOutcome =
  | {
      readonly kind: 'fetched';
      readonly request: FetchRequest;
      readonly messages: readonly FetchedMessage[];
      /** Messages of the answer that could not be read, by their ids. */
      readonly unreadable: ReadonlyMap<string, GmailError>;
    }
  | { readonly kind: 'failed'; readonly request: FetchRequest; readonly error: GmailError };

/** A {@link GmailApi} that keeps to the mailbox's quota: each call waits for its units first. */
export interface GmailSession extends GmailApi {
  /**
   * How many requests a batch should hold now; from 1 to {@link MAX_BATCH}. A larger batch is sent in pieces, as units
   * and places in flight become free.
   */
  batchSize(): number;
  /**
   * How many batches may be in flight at once now; at least 1. Shrinks on concurrency rejections, grows back slowly.
   */
  width(): number;
  /**
   * Runs `work` once this process has room in memory for `bytes` of mail. Work that is larger than the whole room runs
   * alone. Meant for large messages: 25 MB of attachments take several times that while they are assembled.
   */
  holding<Result>(bytes: number, work: () => Promise<Result>, signal?: AbortSignal): Promise<Result>;
  /** Units spent by this session so far, from the price table. */
  unitsSpent(): number;
  /** Saves the usage counted since the last flush. Call it when the session's work is done. */
  flush(): Promise<void>;
}
