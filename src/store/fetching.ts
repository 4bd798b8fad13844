import type { Reading } from '../model/change.ts';
import { compareHistoryIds, type MailboxId, type MessageId, type ThreadId } from '../model/ids.ts';
import type { MessageFormat } from '../model/settings.ts';
import { rulesOf } from './mailbox-rows.ts';
import type { FetchAttempt } from './mailbox-store.ts';
import { withMailbox } from './mailbox-transaction.ts';
import { newRow, type MessageRow } from './message-row.ts';
import { loadRows, writeDifferences, type Difference } from './message-writer.ts';
import { applyReading } from './reading-rules.ts';
import { toGone, type RowRules } from './row-scope.ts';
import type { StoreDatabase } from './store-database.ts';

/** See {@link MailboxStore.saveReadings}. */
export function saveReadings(
  database: StoreDatabase,
  request: { mailbox: MailboxId; readings: readonly Reading[]; format: MessageFormat; now: number },
): Promise<{ stored: number; stale: readonly MessageId[]; lacking: readonly MessageId[] }> {
  const { readings, format, now } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    const rules = rulesOf(locked.columns, now);
    const rows = await loadRows(locked, readings.map((reading) => reading.id));
    const differences = new Map<MessageId, Difference>();
    const stale: MessageId[] = [];
    let stored = 0;
    for (const reading of readings) {
      const earlier = differences.get(reading.id);
      const row = earlier?.after ?? rows.get(reading.id) ?? null;
      const outcome = applyReading(row, reading, format, rules);
      if (outcome.verdict === 'stale') stale.push(reading.id);
      if (outcome.verdict !== 'applied') continue;
      if (outcome.row.state === 'stored' && row?.state !== 'stored') stored += 1;
      const body = outcome.writesBody && reading.body !== null ? reading.body : earlier?.body;
      const before = rows.get(reading.id) ?? null;
      differences.set(reading.id, body === undefined ? { before, after: outcome.row } : { before, after: outcome.row, body });
    }
    await writeDifferences(locked, differences.values(), now);
    const lacking = [...differences.values()].filter(({ after }) => lacksAttachments(after, rules)).map(({ after }) => after.id);
    return { stored, stale, lacking };
  });
}

/** A row whose body was read and lacks nothing but its attachments. */
const lacksAttachments = (row: MessageRow, { format, attachments }: RowRules): boolean =>
  attachments && row.state === 'pending' && row.format === format && !row.attachmentsHeld;

/** See {@link MailboxStore.saveAttempts}. */
export function saveAttempts(database: StoreDatabase, request: { mailbox: MailboxId; attempts: readonly FetchAttempt[]; now: number }): Promise<void> {
  const { attempts, now } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    const rows = await loadRows(locked, attempts.map((attempt) => attempt.id));
    const differences = new Map<MessageId, Difference>();
    for (const attempt of attempts) {
      const before = rows.get(attempt.id);
      if (before === undefined || !isAbout(before, attempt)) continue;
      differences.set(attempt.id, { before, after: afterAttempt(before, attempt) });
    }
    await writeDifferences(locked, differences.values(), now);
  });
}

/** Whether an attempt speaks of the row as it is: an attempt that was given up may report after another one stored the message. */
function isAbout(row: MessageRow, { asOf }: FetchAttempt): boolean {
  if (row.state !== 'pending' && row.state !== 'failed') return false;
  if (row.historyId === null) return true;
  return asOf !== null && compareHistoryIds(row.historyId, asOf) <= 0;
}

function afterAttempt(row: MessageRow, { state, attempts, error, nextAttemptAt }: FetchAttempt): MessageRow {
  if (state === 'gone') return { ...toGone(row), attempts, lastError: error };
  // 0 means "at once" to the index of the work to do.
  return { ...row, state, attempts: Math.max(row.attempts, attempts), lastError: error, nextAttemptAt: Math.max(1, Math.ceil(nextAttemptAt)) };
}

/** See {@link MailboxStore.addListedLate}. */
export function addListedLate(
  database: StoreDatabase,
  request: { mailbox: MailboxId; messages: readonly { id: MessageId; threadId: ThreadId }[]; now: number },
): Promise<{ unknown: number }> {
  const { messages, now } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    const rows = await loadRows(locked, messages.map((message) => message.id));
    const unknown = new Map<MessageId, Difference>();
    for (const { id, threadId } of messages) {
      if (!rows.has(id)) unknown.set(id, { before: null, after: newRow(id, threadId, 'live', now) });
    }
    await writeDifferences(locked, unknown.values(), now);
    return { unknown: unknown.size };
  });
}
