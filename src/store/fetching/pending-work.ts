import type { Kysely } from 'kysely';
import type { FetchingStore } from './fetching-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import { fromHistoryIdText } from '../engines/history-id-text.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import type { FailedMessage, LackingMessage } from './work-store.ts';
import type { PendingMessage } from './fetching-store.ts';
import { toLacking } from '../rows/message-columns.ts';
import type { Lane } from '../../model/lane.ts';
import { storedSize } from '../engines/safe-integer.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { DECIDED_STATES, isUnfetched } from '../rules/message-row.ts';

const COLUMNS = [
  'id',
  'thread_id',
  'history_id',
  'size_estimate',
  'format',
  'attachments',
  'attachments_held',
  'lacks',
  'state',
  'attempts',
  'last_error',
  'next_attempt_at',
  'discovered_at',
  'rank',
] as const;

interface WorkColumns {
  readonly id: string;
  readonly thread_id: string;
  readonly history_id: string | null;
  readonly size_estimate: number;
  readonly format: string | null;
  readonly attachments: number | null;
  readonly attachments_held: number;
  readonly lacks: string | null;
  readonly state: string;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly next_attempt_at: number;
  readonly discovered_at: number;
  readonly rank: number;
}

/** See {@link FetchingStore.nextPending}. */
export async function nextPending(
  database: StoreDatabase,
  request: RequestOf<FetchingStore, 'nextPending'>,
): Promise<readonly PendingMessage[]> {
  const { lane, limit, now } = request;
  const key = await mailboxKey(database, request.mailbox);
  return database.read(async (db) => {
    const due = [...(await neverTried(db, key, lane, limit)), ...(await dueAgain(db, key, lane, limit, now))]
      .toSorted((a, b) => a.rank - b.rank || (a.id < b.id ? 1 : -1))
      .slice(0, limit);
    if (due.length === 0) return [];

    const threads = await db
      .selectFrom('messages')
      .select(COLUMNS)
      .where('mailbox_key', '=', key)
      .where(database.dialect.isOneOf('thread_id', [...new Set(due.map((row) => row.thread_id))]))
      .where('state', '!=', 'gone')
      .execute();
    const sizes = new Map<string, number>();
    for (const row of threads) sizes.set(row.thread_id, (sizes.get(row.thread_id) ?? 0) + 1);
    const chosen = new Set(due.map((row) => row.id));
    const neighbours = threads.filter((row) => !chosen.has(row.id) && isUnfetched(row) && row.next_attempt_at <= now);
    return [...due, ...neighbours].map((row) => toPendingMessage(row, sizes.get(row.thread_id) ?? 1));
  });
}

/**
 * Two queries, each in the order of the work index: a single one would step over every row that waits for its next
 * attempt.
 */
function neverTried(db: Kysely<Schema>, key: number, lane: Lane, limit: number): Promise<readonly WorkColumns[]> {
  return db
    .selectFrom('messages')
    .select(COLUMNS)
    .where('mailbox_key', '=', key)
    .where('lane', '=', lane)
    .where('next_attempt_at', '=', 0)
    .orderBy('rank')
    .limit(limit)
    .execute();
}

function dueAgain(
  db: Kysely<Schema>,
  key: number,
  lane: Lane,
  limit: number,
  now: number,
): Promise<readonly WorkColumns[]> {
  return db
    .selectFrom('messages')
    .select(COLUMNS)
    .where('mailbox_key', '=', key)
    .where('lane', '=', lane)
    .where('next_attempt_at', '>', 0)
    .where('next_attempt_at', '<=', now)
    .orderBy('rank')
    .limit(limit)
    .execute();
}

function toPendingMessage(row: WorkColumns, threadSize: number): PendingMessage {
  return {
    id: row.id as MessageId,
    threadId: row.thread_id as ThreadId,
    historyId: fromHistoryIdText(row.history_id),
    threadSize,
    lacking: row.format === 'full' && row.attachments_held === 0 ? row.attachments : null,
    standsIn: row.lacks === 'raw',
    sizeEstimate: storedSize(row.size_estimate),
    state: row.state === 'pending' ? 'pending' : 'failed',
    attempts: row.attempts,
    lastError: row.last_error,
    discoveredAt: row.discovered_at,
  };
}

/** See {@link FetchingStore.nextAttemptAt}. */
export async function nextAttemptAt(
  database: StoreDatabase,
  request: RequestOf<FetchingStore, 'nextAttemptAt'>,
): Promise<number | null> {
  const key = await mailboxKey(database, request.mailbox);
  const next = await database.read((db) =>
    db
      .selectFrom('messages')
      .select('next_attempt_at')
      .where('mailbox_key', '=', key)
      .where('lane', '=', request.lane)
      .where('next_attempt_at', '>', request.now)
      .orderBy('next_attempt_at')
      .limit(1)
      .executeTakeFirst(),
  );
  const attemptAt = next?.next_attempt_at ?? null;
  const refreshAt = request.lane === 'live' ? await nextRefreshAt(database, key, request.now) : null;
  return attemptAt === null || refreshAt === null ? (attemptAt ?? refreshAt) : Math.min(attemptAt, refreshAt);
}

async function nextRefreshAt(database: StoreDatabase, key: number, now: number): Promise<number | null> {
  const next = await database.read((db) =>
    db
      .selectFrom('messages')
      .select('refresh_at')
      .where('mailbox_key', '=', key)
      .where('refresh_at', '>', now)
      .where('state', 'in', DECIDED_STATES)
      .orderBy('refresh_at')
      .limit(1)
      .executeTakeFirst(),
  );
  return next?.refresh_at ?? null;
}

/** See `WorkStore.listFailed`. */
export async function listFailed(
  database: StoreDatabase,
  mailbox: MailboxId,
  limit: number,
): Promise<readonly FailedMessage[]> {
  const key = await mailboxKey(database, mailbox);
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select(['id', 'last_error', 'attempts', 'next_attempt_at'])
      .where('mailbox_key', '=', key)
      .where('state', '=', 'failed')
      .orderBy('next_attempt_at')
      .orderBy('id')
      .limit(limit)
      .execute(),
  );
  return rows.map((row) => ({
    id: row.id as MessageId,
    error: row.last_error ?? '',
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
  }));
}

/** See `WorkStore.listLacking`. */
export async function listLacking(
  database: StoreDatabase,
  mailbox: MailboxId,
  limit: number,
): Promise<readonly LackingMessage[]> {
  const key = await mailboxKey(database, mailbox);
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select(['id', 'lacks', 'last_error', 'lane', 'next_attempt_at'])
      .where('mailbox_key', '=', key)
      .where('lacks', 'is not', null)
      .where('state', '=', 'stored')
      .orderBy('id')
      .limit(limit)
      .execute(),
  );
  return rows.map((row) => ({
    id: row.id as MessageId,
    lacks: toLacking(row.lacks) ?? 'attachments',
    error: row.last_error,
    nextAttemptAt: row.lane === null ? null : row.next_attempt_at,
  }));
}

/** See {@link FetchingStore.nextRefresh}. */
export async function nextRefresh(
  database: StoreDatabase,
  request: RequestOf<FetchingStore, 'nextRefresh'>,
): Promise<readonly MessageId[]> {
  const key = await mailboxKey(database, request.mailbox);
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .select('id')
      .where('mailbox_key', '=', key)
      .where('refresh_at', '<=', request.now)
      .where('state', 'in', DECIDED_STATES)
      .orderBy('refresh_at')
      .limit(request.limit)
      .execute(),
  );
  return rows.map((row) => row.id as MessageId);
}
