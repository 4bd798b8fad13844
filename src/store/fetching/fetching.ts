import type { FetchingStore } from './fetching-store.ts';
import { UNSEEN } from '../../model/not-found.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { FetchedMessage } from '../../model/change.ts';
import type { Bodies, KeptBody } from '../bodies/bodies.ts';
import { ObjectSweptError } from '../bodies/body-objects.ts';
import { listsSeveralLabels } from '../../model/settings.ts';
import { compareHistoryIds, type HistoryId, type MessageId } from '../../model/ids.ts';
import { describeBody } from '../headers/describe-body.ts';
import { withEarlyReading } from '../history/early-readings.ts';
import { followLastPlace, setScopeFloor } from '../rows/scope-floor.ts';
import { parseFullSync, rulesOf } from '../rows/mailbox-rows.ts';
import type { FailedFetch } from './fetching-store.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import type { MessageHeaders } from '../rules/message-headers.ts';
import { isCurrent, isFailing, isUnfetched, newRow, type MessageRow } from '../rules/message-row.ts';
import { appendEvents, type NewEvent } from '../rows/event-rows.ts';
import { loadRows, writeDifferences, type Difference } from '../rows/message-writer.ts';
import { applyFetchedMessage } from '../rules/fetched-message-rules.ts';
import { followKnownScope, isContradicted, readLabelsAgain } from '../rules/refresh-rules.ts';
import { isInScope, toFetch, toGone, withoutWork, type RowRules } from '../rules/row-scope.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/**
 * See {@link FetchingStore.saveFetched}. Bodies outside the database are written before the transaction that names
 * them. After a crash in between no row names them and a sweep removes them. A body that was swept in between is
 * written again.
 */
export async function saveFetched(
  database: StoreDatabase,
  bodies: Pick<Bodies, 'keep' | 'discard'>,
  request: RequestOf<FetchingStore, 'saveFetched'>,
): Promise<{ stored: number; stale: readonly MessageId[]; lacking: readonly MessageId[] }> {
  const withBody = request.messages.flatMap((message) =>
    message.body === null ? [] : [{ message, body: message.body }],
  );
  const described: MessageHeaders[] = [];
  for (const { body } of withBody) described.push(await describeBody(request.format, body));
  for (;;) {
    const kept = await bodies.keep(
      withBody.map(({ body }) => body),
      request.now,
    );
    const unnamed = new Set(kept);
    try {
      const contents = new Map<FetchedMessage, Content>();
      for (const [index, { message }] of withBody.entries()) {
        const [body, headers] = [kept[index], described[index]];
        if (body !== undefined && headers !== undefined) contents.set(message, { body, headers });
      }
      const { named, ...result } = await applyFetched(database, request, contents);
      for (const body of named) unnamed.delete(body);
      return result;
    } catch (error) {
      if (!(error instanceof ObjectSweptError)) throw error;
    } finally {
      await bodies.discard([...unnamed]);
    }
  }
}

/** A message's body as it is kept, and what it says. */
type Content = Required<Pick<Difference, 'body' | 'headers'>>;

const contentOf = (difference: Difference | undefined): Content | null =>
  difference?.body === undefined || difference.headers === undefined
    ? null
    : { body: difference.body, headers: difference.headers };

function applyFetched(
  database: StoreDatabase,
  { mailbox, messages, format, now, askedAt, readAt = now }: RequestOf<FetchingStore, 'saveFetched'>,
  contents: ReadonlyMap<FetchedMessage, Content>,
): Promise<{ stored: number; stale: readonly MessageId[]; lacking: readonly MessageId[]; named: readonly KeptBody[] }> {
  return withMailbox(database, mailbox, async (locked) => {
    const rules = rulesOf(locked.columns, now);
    const rows = await loadRows(
      locked,
      messages.map((message) => message.id),
    );
    const progress = parseFullSync(locked.columns);
    const differences = new Map<MessageId, Difference>();
    const stale: MessageId[] = [];
    let stored = 0;
    for (const message of messages) {
      const earlier = differences.get(message.id);
      const row = earlier?.after ?? rows.get(message.id) ?? null;
      const outcome = applyFetchedMessage(row, message, { format, at: askedAt ?? null }, rules);
      if (outcome.verdict === 'stale') stale.push(message.id);
      if (outcome.verdict !== 'applied') continue;
      const read = withEarlyReading(outcome.row, progress, readAt);
      if (read.state === 'stored' && row?.state !== 'stored') stored += 1;
      const written = (outcome.writesBody ? contents.get(message) : undefined) ?? contentOf(earlier);
      const before = rows.get(message.id) ?? null;
      const described = written !== null || read.described || read.format === 'minimal';
      const after = read.described === described ? read : { ...read, described };
      differences.set(message.id, { ...written, before, after });
    }
    await writeDifferences(locked, differences.values(), now);
    if (progress?.step === 'done' && locked.columns.scope_floor === null)
      await setScopeFloor(database, locked, { now });
    await followLastPlace(database, locked, [...differences.values()], now);
    const lacking = [...differences.values()]
      .filter(({ after }) => lacksAttachments(after, rules))
      .map(({ after }) => after.id);
    return {
      stored,
      stale,
      lacking,
      named: [...differences.values()].flatMap(({ body }) => (body === undefined ? [] : [body])),
    };
  });
}

/** A row whose body was read and lacks nothing but its attachments. */
const lacksAttachments = (row: MessageRow, { format, attachments }: RowRules): boolean =>
  attachments && row.state === 'pending' && row.format === format && !row.attachmentsHeld;

/** See {@link FetchingStore.saveFailedFetches}. */
export function saveFailedFetches(
  database: StoreDatabase,
  request: RequestOf<FetchingStore, 'saveFailedFetches'>,
): Promise<void> {
  const { failedFetches, now } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    const rows = await loadRows(
      locked,
      failedFetches.map(({ id }) => id),
    );
    const rules = rulesOf(locked.columns, now);
    const differences = new Map<MessageId, Difference>();
    for (const failedFetch of failedFetches) {
      const before = rows.get(failedFetch.id);
      if (before === undefined || !isAbout(before, failedFetch)) continue;
      differences.set(failedFetch.id, { before, after: afterFailedFetch(before, failedFetch, rules) });
    }
    await writeDifferences(locked, differences.values(), now);
    await appendEvents(
      locked,
      [...differences.values()].flatMap(({ before, after }) => failedNow(before, after, now)),
    );
    await followLastPlace(database, locked, [...differences.values()], now);
  });
}

/** The event of a message that fails from now on. If it was failing before, there is no event. */
function failedNow(before: MessageRow | null, after: MessageRow, now: number): readonly NewEvent[] {
  if (!isFailing(after) || (before !== null && isFailing(before))) return [];
  return [
    { id: null, at: now, details: { kind: 'message-failed', messageId: after.id, reason: after.lastError ?? '' } },
  ];
}

/**
 * Whether a failed fetch still concerns the row: an abandoned attempt may report after another one has stored the
 * message.
 */
function isAbout(row: MessageRow, { state, asOf }: FailedFetch): boolean {
  if (row.lane === null) return false;
  // A get that found the message meanwhile has cleared the error.
  if (state === 'gone' && row.lastError !== UNSEEN) return false;
  if (row.historyId === null) return true;
  return asOf !== null && compareHistoryIds(row.historyId, asOf) <= 0;
}

function afterFailedFetch(
  row: MessageRow,
  { state, attempts, error, nextAttemptAt }: FailedFetch,
  rules: RowRules,
): MessageRow {
  if (state === 'gone') return { ...toGone(row, rules.now), attempts, lastError: error };
  // The message stays readable while the missing part is asked for.
  if (row.state === 'stored')
    return { ...row, attempts, lastError: error, nextAttemptAt: Math.max(1, Math.ceil(nextAttemptAt)) };
  // A late report of the same failure must not lower the row's count. A different failure starts a count of its own.
  const counted = error === row.lastError ? Math.max(row.attempts, attempts) : attempts;
  // 0 means "never tried" in the index of the work to do.
  const tried = { ...row, attempts: counted, lastError: error, nextAttemptAt: Math.max(1, Math.ceil(nextAttemptAt)) };
  return state === 'failed' && holdsAllButAttachments(row, rules)
    ? withoutAttachments(tried, rules)
    : { ...tried, state: stateAfter(row, state) };
}

/** An attempt that is soon made again ends no failure: otherwise the next one would begin it, and report it, again. */
function stateAfter(row: MessageRow, state: Exclude<FailedFetch['state'], 'gone'>): 'pending' | 'failed' {
  return state === 'pending' && !isFailing(row) ? 'pending' : 'failed';
}

const holdsAllButAttachments = (row: MessageRow, { format, attachments }: RowRules): boolean =>
  attachments && row.format === format && !row.attachmentsHeld;

/**
 * The message becomes readable without its attachments. While it was pending, label records only raised its history id,
 * so labels that are behind it are read once more.
 */
function withoutAttachments(row: MessageRow, rules: RowRules): MessageRow {
  const isBehind = row.historyId !== null && !isCurrent(row);
  const lacking: MessageRow = { ...(isBehind ? readLabelsAgain(row, rules.now) : row), lacks: 'attachments' };
  return isInScope(row, rules) ? { ...lacking, state: 'stored' } : withoutWork(lacking, 'excluded');
}

const isOlderTombstone = ({ state, historyId }: MessageRow, since: HistoryId | null): boolean =>
  state === 'gone' && since !== null && (historyId === null || compareHistoryIds(historyId, since) <= 0);

/** See {@link FetchingStore.addListedLate}. */
export function addListedLate(
  database: StoreDatabase,
  request: RequestOf<FetchingStore, 'addListedLate'>,
): Promise<{ unknown: number }> {
  const { generation, messages, since, isAdmitted = true, now } = request;
  return withMailbox(database, request.mailbox, async (locked) => {
    if (generation !== locked.columns.generation) return { unknown: 0 };
    const rows = await loadRows(
      locked,
      messages.map((message) => message.id),
    );
    const rules = rulesOf(locked.columns, now);
    const listed = new Map<MessageId, Difference>();
    // An abandoned relisting may still count places when another has told the limit's date, which decides from then on.
    const isByDate = rules.floor !== null && !listsSeveralLabels(rules.scope);
    const admits = isAdmitted && !isByDate;
    const admitted = admits ? { admittedGeneration: generation } : {};
    for (const { id, threadId } of messages) {
      const row = rows.get(id);
      if (row === undefined)
        listed.set(id, { before: null, after: { ...newRow(id, threadId, 'live', now), ...admitted } });
      // A get decides. The tombstone keeps its history id, so an answer from before the deletion cannot undo it.
      else if (isOlderTombstone(row, since))
        listed.set(id, { before: row, after: { ...toFetch(row, 'live', now), readingHistoryId: null, ...admitted } });
      else {
        // A label or its thread brought it, and its date may have excluded it, or would once its labels are read.
        const isLetIn = admits && rules.scope.limit !== null && row.admittedGeneration === null && row.state !== 'gone';
        const after = isLetIn ? { ...row, ...admitted } : row;
        if (since !== null && isContradicted(row, since, rules))
          listed.set(id, { before: row, after: readLabelsAgain(after, now) });
        else if (isLetIn) listed.set(id, { before: row, after: followKnownScope(after, rules) });
      }
    }
    await writeDifferences(locked, listed.values(), now);
    const isNew = ({ before, after }: Difference): boolean =>
      isUnfetched(after) && (before === null || !isUnfetched(before));
    return { unknown: [...listed.values()].filter(isNew).length };
  });
}
