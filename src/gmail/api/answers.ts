import { z } from 'zod';
import { bytesOfBase64 } from '../../model/base64url.ts';
import type { AttachmentsRead, HistoryOperation, HistoryRecord, Label, FetchedMessage } from '../../model/change.ts';
import { deepJson } from '../../model/deep-json.ts';
import { labelId, messageId, threadId, type HistoryId, type LabelId } from '../../model/ids.ts';
import type { MessageFormat } from '../../model/settings.ts';
import {
  dateIn,
  historyIdIn,
  isId,
  isPageToken,
  MalformedAnswerError,
  rawIn,
  sizeIn,
  snippetIn,
} from './answer-values.ts';
import type { CountedLabel, HistoryPage, MessagePage, Profile, Watch } from './gmail-api.ts';
import { countSeparateParts, isObject, isPartTree, type JsonObject } from '../../model/message-parts.ts';

/**
 * Turns Gmail's JSON into the model's types. An answer that is not as Gmail documents it throws. A fault in one entry
 * of a list drops only that entry: a message without a usable id cannot become a row.
 */

const id = z.string().refine(isId);
const uint63 = z.unknown().transform((value, context): HistoryId => {
  const read = historyIdIn(value);
  if (read !== null) return read;
  context.addIssue({ code: 'custom', message: 'not a number of 63 bits' });
  return z.NEVER;
});
const list = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
/** The usable items of a list. A list in which most items are unusable is refused. */
const usable = <Item extends z.ZodType>(item: Item) =>
  list(item.nullable().catch(null)).transform((items, context) => {
    const found = items.filter((read) => read !== null);
    if (found.length * 2 < items.length) context.addIssue({ code: 'custom', message: 'most entries are unusable' });
    return found;
  });
/** A count; null when the value makes no sense. */
const total = z
  .int()
  .nonnegative()
  .nullish()
  .catch(null)
  .transform((count) => count ?? null);
const pageToken = z
  .string()
  .refine((token) => token === '' || isPageToken(token))
  .nullish()
  .transform((token) => (token === '' ? null : (token ?? null)));
/** A message without a thread id counts as a thread of its own until it is fetched. */
const listed = z
  .object({ id, threadId: id.nullish().catch(null) })
  .transform((read) => ({ id: read.id, threadId: read.threadId ?? read.id }));
const listedOrNot = listed.nullable().catch(null);
const labelIds = z
  .array(id.nullable().catch(null))
  .transform((ids) => ids.filter((read) => read !== null).map(labelId));
/** Without its labels the message is fetched before the scope decides about it. */
const added = z
  .object({ id, threadId: id.nullish().catch(null), labelIds: labelIds.nullish().catch(null) })
  .nullable()
  .catch(null);
const labelled = z.object({ message: listedOrNot, labelIds: labelIds.nullish().transform((ids) => ids ?? []) });

const PROFILE = z.object({ emailAddress: z.string(), historyId: uint63, messagesTotal: total });
const label = z.object({
  id,
  name: z.string().optional().catch(undefined),
  type: z.string().optional().catch(undefined),
});
const LABELS = z.object({ labels: usable(label) });
const COUNTED_LABEL = label.extend({ messagesTotal: total });
const MESSAGES = z.object({ messages: usable(listed), nextPageToken: pageToken });
const WATCH = z.object({ historyId: uint63, expiration: z.unknown().transform(dateIn).pipe(z.number().nonnegative()) });
const HISTORY = z.object({
  history: list(
    z.object({
      id: uint63,
      messagesAdded: list(z.object({ message: added })),
      labelsAdded: list(labelled),
      labelsRemoved: list(labelled),
      messagesDeleted: list(z.object({ message: listedOrNot })),
    }),
  ),
  nextPageToken: pageToken,
  historyId: uint63,
});

/** @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/getProfile */
export function profileOf(json: unknown): Profile {
  return PROFILE.parse(json);
}

/** @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/watch */
export function watchOf(json: unknown): Watch {
  return WATCH.parse(json);
}

/**
 * The labels of a mailbox. Every mailbox has an inbox, so a list without it is refused.
 *
 * @throws {MalformedAnswerError} when the list lacks INBOX
 * @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.labels/list
 */
export function labelsOf(json: unknown): readonly Label[] {
  const labels = LABELS.parse(json).labels.map(toLabel);
  if (!labels.some(({ id }) => id === 'INBOX')) throw new MalformedAnswerError('the list of labels lacks INBOX');
  return labels;
}

/** @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.labels/get */
export function countedLabelOf(json: unknown): CountedLabel {
  const { messagesTotal, ...read } = COUNTED_LABEL.parse(json);
  return { ...toLabel(read), messagesTotal };
}

const toLabel = ({ id: found, name, type }: z.infer<typeof label>): Label => ({
  id: labelId(found),
  name: name ?? found,
  type: type === 'system' ? 'system' : 'user',
});

/** @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/list */
export function messagePageOf(json: unknown): MessagePage {
  const page = MESSAGES.parse(json);
  return {
    messages: page.messages.map((message) => ({ id: messageId(message.id), threadId: threadId(message.threadId) })),
    nextPageToken: page.nextPageToken,
  };
}

/** @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.history/list */
export function historyPageOf(json: unknown): HistoryPage {
  const page = HISTORY.parse(json);
  return { records: page.history.map(recordOf), nextPageToken: page.nextPageToken, historyId: page.historyId };
}

const ATTACHMENT = z.object({ size: z.unknown(), data: z.string().nullish() });

/**
 * The attachment's bytes in base64url, as in a part's `data`. Protocol buffers' JSON omits empty fields: `{"size": 0}`
 * is an empty attachment.
 *
 * @throws {MalformedAnswerError} when there is no data, or it is not base64
 * @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages.attachments
 */
export function attachmentDataOf(json: unknown): string {
  const { size, data } = ATTACHMENT.parse(json);
  if (data === undefined || data === null || data === '') {
    if (size === 0 || size === '0') return '';
    throw new MalformedAnswerError('the attachment has no data');
  }
  const bytes = bytesOfBase64(data);
  if (bytes === null) throw new MalformedAnswerError("the attachment's data is cut off or no base64");
  return data;
}

type HistoryEntry = z.infer<typeof HISTORY>['history'][number];

/** The operations of one record have no order. A deletion comes last, since nothing can follow it. */
function recordOf(entry: HistoryEntry): HistoryRecord {
  const operations: HistoryOperation[] = [];
  for (const { message } of entry.messagesAdded) {
    if (message !== null) operations.push({ kind: 'added', ...idsOf(message), labelIds: message.labelIds ?? null });
  }
  for (const kind of ['labelsAdded', 'labelsRemoved'] as const) {
    for (const { message, labelIds } of entry[kind])
      if (message !== null) operations.push({ kind, ...idsOf(message), labelIds });
  }
  for (const { message } of entry.messagesDeleted)
    if (message !== null) operations.push({ kind: 'deleted', ...idsOf(message) });
  return { id: entry.id, operations };
}

const idsOf = (message: { id: string; threadId?: string | null | undefined }) => ({
  messageId: messageId(message.id),
  threadId: threadId(message.threadId ?? message.id),
});

/**
 * Reads one message resource. The checks are written by hand, since this runs for every message of a backfill. The
 * fields that identify and order the message must be right; any other unusable value is left out. A RAW answer without
 * a usable `raw`, as chats get, has no body and lacks `raw`.
 *
 * @param json - the parsed resource
 * @param bytes - the resource as answered; null when it came inside a thread and has no bytes of its own
 * @throws {MalformedAnswerError} when the message cannot be used
 * @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#Message
 */
export function fetchedMessageOf(json: unknown, bytes: Uint8Array | null, format: MessageFormat): FetchedMessage {
  const message = objectOf(json, 'message');
  return {
    id: messageId(idOf(message, 'id')),
    threadId: threadId(idOf(message, 'threadId')),
    labelIds: labelIdsOf(message['labelIds']),
    historyId: historyIdOf(message),
    internalDate: dateIn(message['internalDate']),
    sizeEstimate: sizeIn(message['sizeEstimate']),
    snippet: snippetIn(message['snippet']),
    ...contentOf(message, bytes, format),
    ...doubtOf(message),
  };
}

/** Names a field whose value was left out, if there is one. */
function doubtOf({ internalDate, sizeEstimate, labelIds }: JsonObject): Pick<FetchedMessage, 'doubt'> {
  const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
  if (isGiven(internalDate) && dateIn(internalDate) === null) return { doubt: 'internalDate is no date' };
  if (isGiven(sizeEstimate) && sizeIn(sizeEstimate) !== sizeEstimate) return { doubt: 'sizeEstimate is no size' };
  if (Array.isArray(labelIds) && !labelIds.every(isId)) return { doubt: 'labelIds holds what is no id' };
  return {};
}

/** The messages of a thread. Unreadable ones do not affect the others. */
export interface ThreadRead {
  readonly id: string;
  readonly messages: readonly FetchedMessage[];
  /** What is wrong with each unreadable message, by its id. A message without a usable id is not listed. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/**
 * The messages of a thread resource, each with the JSON that its own get would have had. A message of another thread
 * counts as unreadable.
 *
 * @throws {MalformedAnswerError} when the thread has no id or no list of messages
 * @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.threads#Thread
 */
export function threadMessagesOf(json: unknown, format: MessageFormat): ThreadRead {
  const thread = objectOf(json, 'thread');
  const id = idOf(thread, 'id');
  const messages = thread['messages'] ?? [];
  if (!Array.isArray(messages)) throw new MalformedAnswerError('a thread has no list of messages');
  const fetched: FetchedMessage[] = [];
  const unreadable = new Map<string, string>();
  for (const message of messages as readonly unknown[]) {
    try {
      const one = fetchedMessageOf(message, null, format);
      if (one.threadId === id) fetched.push(one);
      else unreadable.set(one.id, 'the thread holds a message of another thread');
    } catch (error) {
      if (!(error instanceof MalformedAnswerError)) throw error;
      if (isObject(message) && isId(message['id'])) unreadable.set(message['id'], error.message);
    }
  }
  return { id, messages: fetched, unreadable };
}

/** Counts the parts that Gmail stores apart. Without any, the body holds everything. */
function attachmentsIn(message: JsonObject): AttachmentsRead {
  const count = countSeparateParts(message['payload']);
  return { count, held: count === 0 };
}

function objectOf(json: unknown, what: string): JsonObject {
  if (!isObject(json)) throw new MalformedAnswerError(`the ${what} is no object`);
  return json;
}

function idOf(resource: JsonObject, name: string): string {
  const value = resource[name];
  if (isId(value)) return value;
  throw new MalformedAnswerError(value === undefined || value === null ? `${name} is missing` : `${name} is no id`);
}

/** Gmail allows 10,000 labels a mailbox. */
const MOST_LABELS = 10_000;

function labelIdsOf(value: unknown): readonly LabelId[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MalformedAnswerError('labelIds is no list');
  if (value.length > MOST_LABELS) throw new MalformedAnswerError(`it has more than ${MOST_LABELS} labels`);
  return (value as readonly unknown[]).filter(isId).map(labelId);
}

function historyIdOf(message: JsonObject): HistoryId {
  const id = historyIdIn(message['historyId']);
  if (id === null) throw new MalformedAnswerError('historyId is no number of 63 bits');
  return id;
}

function contentOf(
  message: JsonObject,
  bytes: Uint8Array | null,
  format: MessageFormat,
): Pick<FetchedMessage, 'body' | 'lacks' | 'attachments'> {
  switch (format) {
    case 'minimal':
      return { body: null };
    case 'raw': {
      const raw = rawIn(message['raw']);
      return raw === null || isCutChat(message, raw) ? { body: null, lacks: 'raw' } : { body: raw };
    }
    case 'full':
      requireParts(message);
      return { body: bytes ?? Buffer.from(deepJson(message)), attachments: attachmentsIn(message) };
    case 'metadata':
      requireParts(message);
      return { body: bytes ?? Buffer.from(deepJson(message)) };
    default:
      return format satisfies never;
  }
}

function requireParts({ payload }: JsonObject): void {
  if (payload === undefined || payload === null) throw new MalformedAnswerError('the answer has no payload');
  if (!isPartTree(payload)) throw new MalformedAnswerError('its payload is no tree of parts');
}

/**
 * Gmail may give a chat's raw cut in the middle: valid base64, but shorter than the message. Without a size nothing
 * proves that it is whole.
 */
function isCutChat(message: JsonObject, raw: Uint8Array): boolean {
  const labels = message['labelIds'];
  const size = sizeIn(message['sizeEstimate']);
  return Array.isArray(labels) && labels.includes('CHAT') && (size === 0 || raw.length < size);
}

/** Says what is wrong with an answer without repeating anything of it. */
export function detailOf(error: unknown): string {
  if (error instanceof MalformedAnswerError) return error.message;
  if (error instanceof z.ZodError)
    return `${error.issues[0]?.path.map(String).join('.') || 'the answer'} is not what Gmail documents`;
  return 'the answer is cut off or no JSON';
}
