import { historyId, InvalidIdError, type HistoryId } from '../model/ids.ts';
import { ApiError, invalidArgument, notFound } from './api-error.ts';
import type { LogRecord, Operation } from './history-log.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';

const HISTORY_TYPES = {
  messageAdded: 'messagesAdded',
  messageDeleted: 'messagesDeleted',
  labelAdded: 'labelsAdded',
  labelRemoved: 'labelsRemoved',
} as const;

export interface HistoryQuery {
  readonly startHistoryId: string | null;
  readonly labelId: string | null;
  readonly historyTypes: readonly string[];
  readonly maxResults: number;
  readonly pageToken: string | null;
}

/** Where the next page begins: after this many operations of the record, or after the whole record. */
interface PagePosition {
  readonly recordId: HistoryId;
  readonly operations: number | 'all';
  /** True when the page before was empty, so that the next page is not. */
  readonly wasEmpty: boolean;
}

type Piece = { readonly record: LogRecord; readonly operations: readonly Operation[]; readonly end: number | 'all' };

/**
 * users.history.list: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.history/list
 * @throws {ApiError} 404 for a start that has expired or never existed, 400 for a wrong parameter
 */
export function listHistory(mailbox: SimulatedMailbox, query: HistoryQuery, now: number): object {
  const kinds = query.historyTypes.map(kindOf);
  const start = parseStart(query.startHistoryId);
  if (!mailbox.log.isReadableFrom(start)) throw notFound(`history of ${mailbox.email} from ${start}`);
  const position = query.pageToken === null ? null : parseToken(query.pageToken);

  if (position?.wasEmpty !== true && mailbox.random.chance(mailbox.paging.emptyPages)) {
    const here = position ?? { recordId: start, operations: 'all' as const };
    return { historyId: mailbox.historyId, nextPageToken: token({ ...here, wasEmpty: true }) };
  }
  const size = Math.min(query.maxResults, mailbox.paging.historyPage);
  const pieces: Piece[] = [];
  let hasMore = false;
  for (const piece of piecesAfter(mailbox, position ?? { recordId: start, operations: 'all', wasEmpty: false }, now)) {
    const operations = piece.operations.filter((operation) => isWanted(operation, kinds, query.labelId));
    if (operations.length === 0) continue;
    if (pieces.length === size) {
      hasMore = true;
      break;
    }
    pieces.push({ ...piece, operations });
  }
  const last = pieces.at(-1);
  return {
    ...(pieces.length > 0
      ? { history: pieces.map((piece) => recordJson(piece, mailbox.paging.labelIdsInHistory)) }
      : {}),
    ...(hasMore && last !== undefined
      ? { nextPageToken: token({ recordId: last.record.id, operations: last.end, wasEmpty: false }) }
      : {}),
    historyId: mailbox.historyId,
  };
}

/** Records in the order of their ids; a big record comes in several pieces with the same id. */
function* piecesAfter(mailbox: SimulatedMailbox, position: PagePosition, now: number): Generator<Piece> {
  const width = mailbox.paging.operationsPerRecord;
  // Starting from the id minus one includes the record itself, of which a part is still to come.
  const from =
    position.operations === 'all' ? position.recordId : historyId((BigInt(position.recordId) - 1n).toString());
  for (const record of mailbox.log.after(from, now, mailbox.lag.historyMs)) {
    const done = record.id === position.recordId && position.operations !== 'all' ? position.operations : 0;
    for (let at = done; at < record.operations.length; at += width) {
      const end = at + width < record.operations.length ? at + width : 'all';
      yield { record, operations: record.operations.slice(at, at + width), end };
    }
  }
}

function recordJson({ record, operations }: Piece, withLabels: boolean): object {
  const lists: Record<string, object[]> = {};
  const messages = new Map<string, object>();
  for (const operation of operations) {
    const message = {
      id: operation.messageId,
      threadId: operation.threadId,
      ...(withLabels && operation.after.length > 0 ? { labelIds: operation.after } : {}),
    };
    messages.set(operation.messageId, { id: operation.messageId, threadId: operation.threadId });
    const isLabelChange = operation.kind === 'labelsAdded' || operation.kind === 'labelsRemoved';
    (lists[operation.kind] ??= []).push(isLabelChange ? { message, labelIds: operation.labelIds } : { message });
  }
  return { id: record.id, messages: [...messages.values()], ...lists };
}

/**
 * Gmail does not document whether the label filter looks at the labels before or after a removal. Here either matches.
 */
function isWanted(operation: Operation, kinds: readonly Operation['kind'][], labelId: string | null): boolean {
  if (kinds.length > 0 && !kinds.includes(operation.kind)) return false;
  return labelId === null || operation.after.includes(labelId) || operation.labelIds.includes(labelId);
}

function kindOf(type: string): Operation['kind'] {
  for (const [name, kind] of Object.entries(HISTORY_TYPES)) if (name === type) return kind;
  throw invalidArgument(
    `Invalid value at 'history_types' (type.googleapis.com/google.gmail.v1.ListHistoryRequest.HistoryType), "${type}"`,
  );
}

function parseStart(text: string | null): HistoryId {
  if (text === null || text === '') throw new ApiError(400, 'required', 'Missing required parameter: startHistoryId');
  try {
    return historyId(text);
  } catch (error) {
    if (!(error instanceof InvalidIdError)) throw error;
    throw invalidArgument(`Invalid value at 'start_history_id' (TYPE_UINT64), "${text}"`);
  }
}

function token({ recordId, operations, wasEmpty }: PagePosition): string {
  return `${recordId}.${operations}.${wasEmpty ? 1 : 0}`;
}

function parseToken(text: string): PagePosition {
  const [, recordId, operations, wasEmpty] = /^(\d{1,20})\.(\d+|all)\.([01])$/.exec(text) ?? [];
  if (recordId === undefined || operations === undefined) throw invalidArgument('Invalid pageToken');
  return {
    recordId: historyId(recordId),
    operations: operations === 'all' ? 'all' : Number(operations),
    wasEmpty: wasEmpty === '1',
  };
}
