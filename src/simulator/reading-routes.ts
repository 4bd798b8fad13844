import { ApiError, invalidArgument, notFound } from './api-error.ts';
import { listHistory } from './history-page.ts';
import type { SimulatedLabel } from './label-book.ts';
import { listMessages, listThreads, type ListQuery } from './list-messages.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';
import { formatOf, type Format } from './message-json.ts';
import { attachmentOf } from './payload.ts';
import { flag, maxResults, type RouteContext, type RouteTable } from './route.ts';
import { atLeastZero } from './totals.ts';
import { base64url } from '../model/base64url.ts';

/** Results per page: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/list */
const PAGE = { usual: 100, most: 500 };

/** The calls that change nothing. */
export const READING_ROUTES: RouteTable = {
  'GET profile': {
    method: 'getProfile',
    answer({ mailbox }) {
      const { messages, threads } = mailbox.totals;
      return {
        emailAddress: mailbox.email,
        messagesTotal: atLeastZero(messages + mailbox.totalsOff.profile),
        threadsTotal: threads,
        historyId: mailbox.historyId,
      };
    },
  },
  'GET labels': {
    method: 'labels.list',
    answer: ({ mailbox, clock }) => ({ labels: mailbox.labelBook.listed(clock.now()).map(labelJson) }),
  },
  'GET labels/*': {
    method: 'labels.get',
    answer: ({ mailbox, clock, ids: [id = ''] }) => ({
      ...labelJson(mailbox.labelBook.shown(id, clock.now())),
      ...mailbox.labelTotals.of(id, mailbox),
    }),
  },
  'GET messages': {
    method: 'messages.list',
    answer(context) {
      const { messages, nextPageToken, resultSizeEstimate } = listMessages(
        context.mailbox,
        listQuery(context),
        context.json,
        context.clock.now(),
      );
      return {
        ...(messages.length > 0 ? { messages: messages.map(({ id, threadId }) => ({ id, threadId })) } : {}),
        ...(nextPageToken === null ? {} : { nextPageToken }),
        resultSizeEstimate,
      };
    },
  },
  'GET messages/*': { method: 'messages.get', answer: getMessage },
  'GET messages/*/attachments/*': {
    method: 'messages.attachments.get',
    answer({ mailbox, json, ids: [id = '', attachmentId = ''] }) {
      const message = mailbox.existing(id);
      const bytes = attachmentOf(id, attachmentId, json.parsed(message).root);
      if (bytes === null) throw invalidArgument('Invalid attachment token');
      return { size: bytes.length, data: base64url(bytes) };
    },
  },
  'GET threads': {
    method: 'threads.list',
    answer(context) {
      const { mailbox, json } = context;
      const { messages, nextPageToken, resultSizeEstimate } = listThreads(
        mailbox,
        listQuery(context),
        json,
        context.clock.now(),
      );
      const threads = messages.map((message) => ({
        id: message.threadId,
        snippet: json.parsed(message).snippet,
        historyId: newest(mailbox.thread(message.threadId).map(({ current }) => current.historyId)),
      }));
      return {
        ...(threads.length > 0 ? { threads } : {}),
        ...(nextPageToken === null ? {} : { nextPageToken }),
        resultSizeEstimate,
      };
    },
  },
  'GET threads/*': { method: 'threads.get', answer: getThread },
  'GET history': {
    method: 'history.list',
    answer: ({ mailbox, query, clock }) =>
      listHistory(
        mailbox,
        {
          startHistoryId: query.get('startHistoryId'),
          labelId: query.get('labelId'),
          historyTypes: query.getAll('historyTypes'),
          maxResults: maxResults(query, PAGE.usual, PAGE.most),
          pageToken: query.get('pageToken'),
        },
        clock.now(),
      ),
  },
};

function getMessage({ mailbox, json, query, isUnderMetadata, ids: [id = ''] }: RouteContext): string {
  const format = permitted(formatOf(query.get('format')), isUnderMetadata);
  refusePoisoned(mailbox, id);
  const found = mailbox.read(id);
  if (found === null) throw notFound(`message ${id} of ${mailbox.email}`);
  if (format === 'raw' && found.version.labelIds.includes('CHAT'))
    return json.renderChat(found.message, found.version, mailbox.chats.raw);
  return json.render(found.message, found.version, format, query.getAll('metadataHeaders'));
}

function getThread({ mailbox, json, query, isUnderMetadata, ids: [id = ''] }: RouteContext): string {
  const format = permitted(formatOf(query.get('format')), isUnderMetadata);
  if (format === 'raw')
    throw invalidArgument(`Invalid value at 'format' (type.googleapis.com/google.gmail.v1.Format), "raw"`);
  const found = mailbox.readThread(id);
  if (found.length === 0) throw notFound(`thread ${id} of ${mailbox.email}`);
  for (const { message } of found) refusePoisoned(mailbox, message.id);
  const messages = found.map(({ message, version }) =>
    json.render(message, version, format, query.getAll('metadataHeaders')),
  );
  const head = newest(found.map(({ version }) => version.historyId));
  return `{"id":${JSON.stringify(id)},"historyId":"${head}","messages":[${messages.join(',')}]}`;
}

function permitted(format: Format, isUnderMetadata: boolean): Format {
  if (isUnderMetadata && (format === 'full' || format === 'raw'))
    throw new ApiError(403, 'forbidden', `Metadata scope doesn't allow format ${format.toUpperCase()}`);
  return format;
}

function refusePoisoned(mailbox: SimulatedMailbox, id: string): void {
  const status = mailbox.poisonOf(id);
  if (status === 400) throw new ApiError(400, 'failedPrecondition', 'Precondition check failed.');
  if (status === 500) throw new ApiError(500, 'backendError', 'Internal error encountered.');
}

function listQuery({ mailbox, query, isUnderMetadata, isLenient }: RouteContext): ListQuery {
  const labelIds = query.getAll('labelIds');
  mailbox.labelBook.assertKnown(labelIds);
  const q = query.get('q') ?? '';
  if (isUnderMetadata && query.has('q'))
    throw new ApiError(403, 'forbidden', "Metadata scope does not support 'q' parameter");
  const pageToken = query.get('pageToken');
  return {
    labelIds,
    q,
    isLenient,
    pageToken: pageToken === '' ? null : pageToken,
    includeSpamTrash: flag(query.get('includeSpamTrash')),
    maxResults: maxResults(query, PAGE.usual, PAGE.most),
  };
}

export function labelJson({ id, name, type }: SimulatedLabel): object {
  return type === 'system'
    ? { id, name, type }
    : { id, name, type, messageListVisibility: 'show', labelListVisibility: 'labelShow' };
}

function newest(historyIds: readonly string[]): string {
  return historyIds.reduce((a, b) => (BigInt(a) >= BigInt(b) ? a : b), '0');
}
