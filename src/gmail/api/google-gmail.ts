import type { gmail_v1 } from 'googleapis/build/src/apis/gmail/index.js';
import type { LabelId } from '../../model/ids.ts';
import {
  attachmentDataOf,
  countedLabelOf,
  historyPageOf,
  labelsIn,
  messagePageOf,
  profileOf,
  watchOf,
} from './answers.ts';
import type {
  CountedLabel,
  GmailApi,
  HistoryPage,
  ListHistoryQuery,
  ListMessagesQuery,
  WatchRequest,
} from './gmail-api.ts';
import { GmailError } from './gmail-error.ts';
import { GoogleBatches } from './google-batches.ts';
import { GoogleCalls, type GoogleGmailOptions } from './google-calls.ts';
import { ResponseTooLargeError } from './transport.ts';

const ME = { userId: 'me' };
/** The largest page of messages.list and history.list. */
const PAGE_SIZE = 500;
/** `fields` saves bytes, not units: a record's `messages` repeats what its four lists of changes say. */
const HISTORY_FIELDS = 'history(id,messagesAdded,messagesDeleted,labelsAdded,labelsRemoved),nextPageToken,historyId';

/**
 * Gmail for one mailbox, over Google's client and batch requests. Only a call whose token Gmail no longer accepts is
 * repeated here.
 *
 * @see https://developers.google.com/workspace/gmail/api/reference/rest
 */
export function createGoogleGmail(options: GoogleGmailOptions): GmailApi {
  const calls = new GoogleCalls(options);
  const batches = new GoogleBatches(calls, options);
  const history = new HistoryPages(calls);
  return {
    async prepare(signal) {
      await options.tokens.accessToken(signal);
    },

    getProfile: (signal) => calls.get('getProfile', signal, (users, call) => users.getProfile(ME, call), profileOf),

    listLabels: (signal) => calls.get('labels.list', signal, (users, call) => users.labels.list(ME, call), labelsIn),

    getLabel: (id, signal) => labelOrNull(calls, id, signal),

    listMessages: (query, signal) =>
      calls.get(
        'messages.list',
        signal,
        (users, call) => users.messages.list(messagesQuery(query), call),
        messagePageOf,
      ),

    listHistory: (query, signal) => history.next(query, signal),

    getAttachment: ({ messageId, attachmentId }, signal) =>
      calls.get(
        'messages.attachments.get',
        signal,
        (users, call) => users.messages.attachments.get({ ...ME, messageId, id: attachmentId }, call),
        attachmentDataOf,
      ),

    watch: (request, signal) =>
      calls.get(
        'watch',
        signal,
        (users, call) => users.watch({ ...ME, requestBody: watchBody(request) }, call),
        watchOf,
      ),

    async stopWatch(signal) {
      await calls.call('stop', signal, (users, call) => users.stop(ME, call));
    },

    batchGet: (requests, format, signal) => batches.get(requests, format, signal),
  };
}

async function labelOrNull(
  calls: GoogleCalls,
  id: LabelId,
  signal: AbortSignal | undefined,
): Promise<CountedLabel | null> {
  try {
    return await calls.get(
      'labels.get',
      signal,
      (users, call) => users.labels.get({ ...ME, id }, call),
      countedLabelOf,
    );
  } catch (error) {
    if (error instanceof GmailError && error.failure.kind === 'not-found') return null;
    throw error;
  }
}

function messagesQuery({
  labelIds,
  q,
  includeSpamTrash,
  pageToken,
}: ListMessagesQuery): gmail_v1.Params$Resource$Users$Messages$List {
  return {
    ...ME,
    maxResults: PAGE_SIZE,
    includeSpamTrash,
    ...(labelIds === undefined || labelIds.length === 0 ? {} : { labelIds: [...labelIds] }),
    ...(q === undefined ? {} : { q }),
    ...(pageToken === null ? {} : { pageToken }),
  };
}

function watchBody({ topicName, labelIds }: WatchRequest): gmail_v1.Schema$WatchRequest {
  return { topicName, ...(labelIds.length === 0 ? {} : { labelIds: [...labelIds], labelFilterBehavior: 'include' }) };
}

/**
 * A record's size has no bound. The call for a page that is too large fails in a way that the session repeats, and from
 * then on fewer records are asked for.
 */
class HistoryPages {
  readonly #calls: GoogleCalls;
  #size = PAGE_SIZE;

  constructor(calls: GoogleCalls) {
    this.#calls = calls;
  }

  async next({ startHistoryId, pageToken }: ListHistoryQuery, signal: AbortSignal | undefined): Promise<HistoryPage> {
    const query = {
      ...ME,
      startHistoryId,
      maxResults: this.#size,
      fields: HISTORY_FIELDS,
      ...(pageToken === null ? {} : { pageToken }),
    };
    try {
      return await this.#calls.get(
        'history.list',
        signal,
        (users, call) => users.history.list(query, call),
        historyPageOf,
      );
    } catch (error) {
      if (isTooLarge(error)) this.#size = Math.max(1, Math.floor(this.#size / 5));
      throw error;
    }
  }
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof GmailError && error.cause instanceof ResponseTooLargeError;
