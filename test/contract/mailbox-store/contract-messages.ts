import type { HistoryOperation, HistoryRecord, FetchedMessage } from '../../../src/model/change.ts';
import { historyId, labelId, messageId, threadId, type HistoryId } from '../../../src/model/ids.ts';
import { DEFAULT_SETTINGS, type MailboxSettings, type Scope } from '../../../src/model/settings.ts';

export const h = (id: number | string): HistoryId => historyId(String(id));
export const m = (id: string) => messageId(id);
export const l = (id: string) => labelId(id);

export function scope(changes: Partial<Scope>): MailboxSettings {
  return { ...DEFAULT_SETTINGS, scope: { ...DEFAULT_SETTINGS.scope, ...changes } };
}

export interface ReadingFields {
  readonly labels?: readonly string[];
  readonly at?: number | string;
  readonly date?: number | null;
  readonly thread?: string;
  readonly body?: string | null;
}

export function reading(
  id: string,
  { labels = ['INBOX'], at = 10, date = 1_000, thread = `t-${id}`, body = `body of ${id}` }: ReadingFields = {},
): FetchedMessage {
  return {
    id: m(id),
    threadId: threadId(thread),
    labelIds: labels.map(l),
    historyId: h(at),
    internalDate: date,
    sizeEstimate: 100,
    snippet: `about ${id}`,
    body: body === null ? null : Buffer.from(body),
  };
}

export const added = (id: string, labels: readonly string[] | null = null): HistoryOperation => ({
  kind: 'added',
  messageId: m(id),
  threadId: threadId(`t-${id}`),
  labelIds: labels === null ? null : labels.map(l),
});
export const deleted = (id: string): HistoryOperation => ({
  kind: 'deleted',
  messageId: m(id),
  threadId: threadId(`t-${id}`),
});
export const labelled = (id: string, ...labels: string[]): HistoryOperation => ({
  kind: 'labelsAdded',
  messageId: m(id),
  threadId: threadId(`t-${id}`),
  labelIds: labels.map(l),
});
export const unlabelled = (id: string, ...labels: string[]): HistoryOperation => ({
  kind: 'labelsRemoved',
  messageId: m(id),
  threadId: threadId(`t-${id}`),
  labelIds: labels.map(l),
});
export const record = (id: number | string, ...operations: HistoryOperation[]): HistoryRecord => ({
  id: h(id),
  operations,
});
