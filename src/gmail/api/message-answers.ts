import type { AttachmentsRead, FetchedMessage } from '../../model/change.ts';
import { deepJson } from '../../model/deep-json.ts';
import { labelId, messageId, threadId, type HistoryId, type LabelId } from '../../model/ids.ts';
import { isObject, type JsonObject } from '../../model/json-object.ts';
import { countSeparateParts, isPartTree } from '../../model/message-parts.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { dateIn, historyIdIn, isId, MalformedAnswerError, rawIn, sizeIn, snippetIn } from './answer-values.ts';

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
    ...leftOutOf(message),
  };
}

/** Names a field whose value was left out, if there is one. */
function leftOutOf({ internalDate, sizeEstimate, labelIds }: JsonObject): Pick<FetchedMessage, 'leftOut'> {
  const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
  if (isGiven(internalDate) && dateIn(internalDate) === null) return { leftOut: 'internalDate is no date' };
  if (isGiven(sizeEstimate) && sizeIn(sizeEstimate) !== sizeEstimate) return { leftOut: 'sizeEstimate is no size' };
  if (Array.isArray(labelIds) && !labelIds.every(isId)) return { leftOut: 'labelIds holds what is no id' };
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
