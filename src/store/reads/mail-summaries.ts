import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import type { Lacking } from '../../model/change.ts';
import type { LabelId, MessageId, ThreadId } from '../../model/ids.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { storedDate, storedSize } from '../engines/safe-integer.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { fromHeaderColumns } from '../rows/header-columns.ts';
import { parseLabelIds, toFormat, toLacking } from '../rows/message-columns.ts';
import type { MessageHeaders } from '../rules/message-headers.ts';

/** A readable message without its body. */
export interface MailSummary {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  readonly labelIds: readonly LabelId[];
  readonly internalDate: number | null;
  readonly sizeEstimate: number;
  readonly snippet: string;
  readonly format: MessageFormat;
  readonly lacks: Lacking | null;
  /** null when the message was stored by an earlier version, and has not been described yet. */
  readonly headers: MessageHeaders | null;
}

/** Which messages, and in which order. Times are epoch milliseconds. */
export interface SummaryQuery {
  readonly labelId: LabelId | null;
  /** Only messages that arrived at this time or later. */
  readonly after: number | null;
  /** Only messages that arrived before this time. */
  readonly before: number | null;
  readonly order: 'newest' | 'oldest';
  /** How many rows are looked at, of which only a few may carry the label. */
  readonly window: number;
}

/** A place in the order by date: after the message that was there. */
export interface DatePlace {
  readonly date: number;
  readonly id: string;
}

const DATE = sql<number>`coalesce(messages.internal_date, 0)`;

/** @returns null when the message is not stored, or not in scope */
export async function findSummary(database: StoreDatabase, key: number, id: MessageId): Promise<MailSummary | null> {
  const row = await database.read((db) => summaries(db, key).where('messages.id', '=', id).executeTakeFirst());
  return row === undefined ? null : toSummary(row);
}

/** Every readable message of a thread, oldest first. */
export async function threadSummaries(
  database: StoreDatabase,
  key: number,
  thread: ThreadId,
): Promise<readonly MailSummary[]> {
  // A separate query, which needs nothing but the index by thread: SQLite would read the whole mailbox for a join.
  const ids = await database.read((db) =>
    db.selectFrom('messages').select('id').where('mailbox_key', '=', key).where('thread_id', '=', thread).execute(),
  );
  const rows = await database.read((db) =>
    summaries(db, key)
      .where(
        database.dialect.isOneOf(
          'messages.id',
          ids.map(({ id }) => id),
        ),
      )
      .execute(),
  );
  return rows
    .map(toSummary)
    .toSorted((a, b) => (a.internalDate ?? 0) - (b.internalDate ?? 0) || (a.id < b.id ? -1 : 1));
}

/**
 * The next messages after a place in the order by date. A page may be empty although more follow: `next` says where to
 * go on, and is null at the end. Nothing is held open between two pages.
 */
export async function summariesByDate(
  database: StoreDatabase,
  key: number,
  query: SummaryQuery,
  from: DatePlace | null,
): Promise<{ readonly summaries: readonly MailSummary[]; readonly next: DatePlace | null }> {
  const { labelId, window } = query;
  const rows = await database.read((db) => places(db, key, query, from).execute());
  const last = rows.at(-1);
  const next = last === undefined || rows.length < window ? null : { date: last.date, id: last.id };
  const wanted = rows
    .filter(({ label_ids: ids }) => labelId === null || parseLabelIds(ids).includes(labelId))
    .map(({ id }) => id);
  if (wanted.length === 0) return { summaries: [], next };
  const shown = await database.read((db) =>
    summaries(db, key).where(database.dialect.isOneOf('messages.id', wanted)).execute(),
  );
  const found = new Map(shown.map((row) => [row.id, row]));
  return {
    summaries: wanted.flatMap((id) => {
      const row = found.get(id);
      return row === undefined ? [] : [toSummary(row)];
    }),
    next,
  };
}

/** Ids and labels in the order of `messages_by_date`, whose expression this must repeat. */
function places(
  db: Kysely<Schema>,
  key: number,
  { after, before, order, window }: SummaryQuery,
  from: DatePlace | null,
) {
  const direction = order === 'newest' ? 'desc' : 'asc';
  const isNewest = order === 'newest';
  // An index on an expression does not find a pair of date and id, so only the date is used to find the place.
  const least = largest(after, isNewest ? null : (from?.date ?? null));
  const most = isNewest ? (from?.date ?? null) : null;
  return db
    .selectFrom('messages')
    .select(['id', 'label_ids', DATE.as('date')])
    .where('mailbox_key', '=', key)
    .where('state', '=', sql.lit('stored'))
    .$if(least !== null, (query) => query.where(DATE, '>=', least))
    .$if(most !== null, (query) => query.where(DATE, '<=', most))
    .$if(before !== null && most === null, (query) => query.where(DATE, '<', before))
    .$if(from !== null, (query) => query.where(from === null ? sql<SqlBool>`true` : beyond(from, isNewest)))
    .orderBy(DATE, direction)
    .orderBy('id', direction)
    .limit(window);
}

const largest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);

const beyond = ({ date, id }: DatePlace, isNewest: boolean): RawBuilder<SqlBool> =>
  isNewest ? sql`(${DATE}, messages.id) < (${date}, ${id})` : sql`(${DATE}, messages.id) > (${date}, ${id})`;

function summaries(db: Kysely<Schema>, key: number) {
  return db
    .selectFrom('messages')
    .leftJoin('message_headers', (join) =>
      join
        .onRef('message_headers.mailbox_key', '=', 'messages.mailbox_key')
        .onRef('message_headers.message_id', '=', 'messages.id'),
    )
    .select([
      'messages.id',
      'messages.thread_id',
      'messages.label_ids',
      'messages.internal_date',
      'messages.size_estimate',
      'messages.snippet',
      'messages.format',
      'messages.lacks',
      'message_headers.subject',
      'message_headers.from_name',
      'message_headers.from_address',
      'message_headers.recipients',
      'message_headers.sent_at',
      'message_headers.rfc822_id',
      'message_headers.has_attachments',
    ])
    .where('messages.mailbox_key', '=', key)
    .where('messages.state', '=', 'stored');
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof summaries>['execute']>>[number];

function toSummary({ recipients, ...row }: SummaryRow): MailSummary {
  return {
    id: row.id as MessageId,
    threadId: row.thread_id as ThreadId,
    labelIds: parseLabelIds(row.label_ids),
    internalDate: storedDate(row.internal_date),
    sizeEstimate: storedSize(row.size_estimate),
    snippet: row.snippet,
    format: toFormat(row.format) ?? 'minimal',
    lacks: toLacking(row.lacks),
    headers: recipients === null ? null : fromHeaderColumns({ ...row, recipients }),
  };
}
