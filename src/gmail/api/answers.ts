import { z } from 'zod';
import { bytesOfBase64 } from '../../model/base64url.ts';
import type { HistoryOperation, HistoryRecord, Label } from '../../model/change.ts';
import { labelId, messageId, threadId, type HistoryId } from '../../model/ids.ts';
import { dateIn, historyIdIn, isId, isPageToken, MalformedAnswerError } from './answer-values.ts';
import type { CountedLabel, HistoryPage, MessagePage, Profile, Watch } from './gmail-api.ts';

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
/** A message without its labels is fetched before the scope decides about it. */
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
export function labelsIn(json: unknown): readonly Label[] {
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

/** Says what is wrong with an answer without repeating anything of it. */
export function detailOf(error: unknown): string {
  if (error instanceof MalformedAnswerError) return error.message;
  if (error instanceof z.ZodError)
    return `${error.issues[0]?.path.map(String).join('.') || 'the answer'} is not what Gmail documents`;
  return 'the answer is cut off or no JSON';
}
