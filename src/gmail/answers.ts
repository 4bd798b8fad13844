import { z } from 'zod';
import type { AttachmentsRead, HistoryOperation, HistoryRecord, Label, Reading } from '../model/change.ts';
import { historyId, labelId, messageId, threadId, type HistoryId, type LabelId } from '../model/ids.ts';
import type { MessageFormat } from '../model/settings.ts';
import type { CountedLabel, HistoryPage, MessagePage, Profile, Watch } from './gmail-api.ts';
import { countSeparateParts, isObject, type JsonObject } from './message-parts.ts';

/** Gmail's JSON into the model's types. Everything here throws on an answer that is not what Gmail documents. */

/** Thrown when an answer is not what Gmail documents: something on the way cut or changed it, so the same call may succeed later. */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
}

const id = z.string().min(1);
/** Numbers of 64 bits are strings in Gmail's JSON; Google's guides show some unquoted. Such a one is exact only while JavaScript does not round it. */
const digits = (most: number) => z.union([z.string().regex(new RegExp(`^\\d{1,${most}}$`)), z.int().nonnegative().transform(String)]);
const uint64 = digits(20);
const list = <Item extends z.ZodType>(item: Item) => z.array(item).nullish().transform((items) => items ?? []);
/** A count that makes no sense is no count. */
const total = z.int().nonnegative().nullish().catch(null).transform((count) => count ?? null);
const pageToken = z.string().nullish().transform((token) => (token === '' ? null : (token ?? null)));
const listed = z.object({ id, threadId: id });
const labelled = z.object({ message: listed, labelIds: z.array(id) });

const PROFILE = z.object({ emailAddress: z.string(), historyId: uint64, messagesTotal: total });
const label = z.object({ id, name: z.string(), type: z.string().optional() });
const LABELS = z.object({ labels: list(label) });
const COUNTED_LABEL = label.extend({ messagesTotal: total });
const MESSAGES = z.object({ messages: list(listed), nextPageToken: pageToken });
const WATCH = z.object({ historyId: uint64, expiration: digits(15) });
const HISTORY = z.object({
  history: list(
    z.object({
      id: uint64,
      messagesAdded: list(z.object({ message: listed.extend({ labelIds: z.array(id).nullish() }) })),
      labelsAdded: list(labelled),
      labelsRemoved: list(labelled),
      messagesDeleted: list(z.object({ message: listed })),
    }),
  ),
  nextPageToken: pageToken,
  historyId: uint64,
});

/** @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/getProfile */
export function profileOf(json: unknown): Profile {
  const profile = PROFILE.parse(json);
  return { emailAddress: profile.emailAddress, historyId: historyId(profile.historyId), messagesTotal: profile.messagesTotal };
}

/** @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/watch */
export function watchOf(json: unknown): Watch {
  const watch = WATCH.parse(json);
  return { historyId: historyId(watch.historyId), expiration: Number(watch.expiration) };
}

/**
 * Every mailbox has an inbox: an answer without it is no list of its labels.
 *
 * @throws {MalformedAnswerError}
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

const toLabel = ({ id: found, name, type }: z.infer<typeof label>): Label => ({ id: labelId(found), name, type: type === 'system' ? 'system' : 'user' });

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
  return { records: page.history.map(recordOf), nextPageToken: page.nextPageToken, historyId: historyId(page.historyId) };
}

const ATTACHMENT = z.object({ data: z.string() });

/** The attachment's bytes in base64url, as a part's `data` has them. @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages.attachments */
export function attachmentDataOf(json: unknown): string {
  return ATTACHMENT.parse(json).data;
}

type HistoryEntry = z.infer<typeof HISTORY>['history'][number];

/** The operations of one record have no order of their own; a deletion is last, because nothing can follow it. */
function recordOf(entry: HistoryEntry): HistoryRecord {
  const operations: HistoryOperation[] = [];
  for (const { message } of entry.messagesAdded) {
    operations.push({ kind: 'added', ...idsOf(message), labelIds: message.labelIds?.map(labelId) ?? null });
  }
  for (const { message, labelIds } of entry.labelsAdded) {
    operations.push({ kind: 'labelsAdded', ...idsOf(message), labelIds: labelIds.map(labelId) });
  }
  for (const { message, labelIds } of entry.labelsRemoved) {
    operations.push({ kind: 'labelsRemoved', ...idsOf(message), labelIds: labelIds.map(labelId) });
  }
  for (const { message } of entry.messagesDeleted) operations.push({ kind: 'deleted', ...idsOf(message) });
  return { id: historyId(entry.id), operations };
}

const idsOf = (message: { id: string; threadId: string }) => ({ messageId: messageId(message.id), threadId: threadId(message.threadId) });

/**
 * One message resource into a reading. Checked by hand: this runs for every message of a backfill.
 *
 * @param json - the parsed resource
 * @param bytes - the resource as answered; null when it came inside a thread and has no bytes of its own
 * @throws {MalformedAnswerError}
 * @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#Message
 */
export function readingOf(json: unknown, bytes: Uint8Array | null, format: MessageFormat): Reading {
  const message = objectOf(json, 'message');
  return {
    id: messageId(textOf(message, 'id')),
    threadId: threadId(textOf(message, 'threadId')),
    labelIds: labelIdsOf(message['labelIds']),
    historyId: historyIdOf(message),
    internalDate: internalDateOf(message['internalDate']),
    sizeEstimate: typeof message['sizeEstimate'] === 'number' ? message['sizeEstimate'] : 0,
    snippet: typeof message['snippet'] === 'string' ? message['snippet'] : '',
    body: bodyOf(message, bytes, format),
    ...(format === 'full' ? { attachments: attachmentsIn(message) } : {}),
  };
}

/**
 * The messages of a thread resource, each with the JSON it would have had alone.
 *
 * @throws {MalformedAnswerError}
 * @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.threads#Thread
 */
export function threadReadingsOf(json: unknown, format: MessageFormat): { readonly id: string; readonly readings: readonly Reading[] } {
  const thread = objectOf(json, 'thread');
  const messages = thread['messages'] ?? [];
  if (!Array.isArray(messages)) throw new MalformedAnswerError('a thread has no list of messages');
  return { id: textOf(thread, 'id'), readings: messages.map((message: unknown) => readingOf(message, null, format)) };
}

/** A body that lacks nothing holds its attachments: there is none to fetch. */
function attachmentsIn(message: JsonObject): AttachmentsRead {
  const count = countSeparateParts(message['payload']);
  return { count, held: count === 0 };
}

function objectOf(json: unknown, what: string): JsonObject {
  if (!isObject(json)) throw new MalformedAnswerError(`a ${what} is not an object`);
  return json;
}

function textOf(resource: JsonObject, name: string): string {
  const value = resource[name];
  if (typeof value !== 'string' || value.length === 0) throw new MalformedAnswerError(`${name} is missing`);
  return value;
}

function labelIdsOf(value: unknown): readonly LabelId[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MalformedAnswerError('labelIds is not a list');
  return value.map((entry: unknown) => {
    if (typeof entry !== 'string' || entry.length === 0) throw new MalformedAnswerError('a label id is not a text');
    return labelId(entry);
  });
}

function historyIdOf(message: JsonObject): HistoryId {
  const value = message['historyId'];
  const text = Number.isSafeInteger(value) ? String(value) : textOf(message, 'historyId');
  if (!/^\d{1,20}$/.test(text)) throw new MalformedAnswerError('historyId is not a uint64');
  return historyId(text);
}

function internalDateOf(value: unknown): number | null {
  if (value === undefined) return null;
  const date = typeof value === 'string' ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(date)) throw new MalformedAnswerError('internalDate is not a number of milliseconds');
  return date;
}

function bodyOf(message: JsonObject, bytes: Uint8Array | null, format: MessageFormat): Uint8Array | null {
  switch (format) {
    case 'minimal':
      return null;
    case 'raw':
      return Buffer.from(textOf(message, 'raw'), 'base64url');
    case 'full':
    case 'metadata':
      return bytes ?? Buffer.from(JSON.stringify(message));
    default:
      return format satisfies never;
  }
}
