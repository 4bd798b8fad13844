import { sql, type Kysely, type RawBuilder } from 'kysely';
import { CursorAheadError, CursorPrunedError, FeedReplacedError, type CursorContent } from '../../model/feed-cursor.ts';
import type { StoreDialect } from '../engines/dialect.ts';
import type { Schema } from '../engines/schema.ts';

// Positions in the feed: whether they still fit it, and what they are in each mailbox.

/** Where a reader of the feed is. */
export interface FeedPosition {
  readonly position: number;
  /** The tag at this position; null when it was not read, as at the beginning. */
  readonly tag: string | null;
  /** The feed that the cursor names; null when the reader has none. */
  readonly feed: string | null;
  /**
   * Pruned changes up to this position do not count as missed: a reader without a cursor begins with the oldest change
   * that is kept.
   */
  readonly prunedBefore: number;
}

export interface FeedDatabase {
  readonly db: Kysely<Schema>;
  readonly dialect: StoreDialect;
}

export const positionOf = ({ feed, position, tag }: CursorContent): FeedPosition => ({
  feed,
  position,
  tag,
  prunedBefore: 0,
});

/**
 * Checks that the feed still goes on from a position as it did when the position was taken.
 *
 * @param keys - the mailboxes whose changes are read; null for all
 * @throws {CursorAheadError | FeedReplacedError | CursorPrunedError}
 */
export async function checkPosition(
  { db, dialect }: FeedDatabase,
  from: FeedPosition,
  keys: readonly number[] | null,
): Promise<{ readonly id: string }> {
  const feed = await feedRow(db);
  if (from.feed !== null && from.feed !== feed.id) throw replaced('It is of another database.');
  if (from.position > feed.position)
    throw new CursorAheadError(
      `The cursor is at position ${from.position} of the change feed, which ends at ${feed.position}. ` +
        `The database was restored from an older backup, or is a copy. ${START_OVER}`,
    );
  const tag = from.tag === null || from.tag === '' ? undefined : (await segmentAt(db, from.position))?.tag;
  if (tag !== undefined && tag !== from.tag)
    throw replaced('The database was restored from a backup that is older than the cursor, and has gone on since.');
  const pruned = keys === null ? feed.pruned_position : await prunedOf({ db, dialect }, keys);
  if (pruned > Math.max(from.position, from.prunedBefore))
    throw new CursorPrunedError(
      `The changes up to position ${pruned} of the change feed were pruned, ` +
        `and the cursor is at ${from.position}. ${START_OVER}`,
    );
  return feed;
}

const START_OVER =
  'Start over: take the present end of the feed as the cursor, read all messages, ' +
  'and follow the feed from that cursor.';

const replaced = (reason: string): FeedReplacedError =>
  new FeedReplacedError(`The cursor does not fit this change feed. ${reason} ${START_OVER}`);

/** The position of the last change that was pruned in one of the mailboxes. */
async function prunedOf({ db, dialect }: FeedDatabase, keys: readonly number[]): Promise<number> {
  const { pruned } = await db
    .selectFrom('feed_mailboxes')
    .select((eb) => eb.fn.max('pruned_position').as('pruned'))
    .where(dialect.isOneOfIntegers('mailbox_key', keys))
    .executeTakeFirstOrThrow();
  return pruned ?? 0;
}

/**
 * The sequence of the last change that the mailbox `m` has up to a position.
 *
 * Segments number a mailbox's changes in their order and without gaps. So the change is in the mailbox's first segment
 * that ends at or after the position, or right before it; without such a segment it is the last one that is numbered.
 * Where {@link checkPosition} allows the position, pruning has removed no segment that ends after it.
 */
export const sequenceAt = (upTo: number): RawBuilder<number> => {
  const position = sql`cast(${upTo} as bigint)`;
  return sql`coalesce(
    (select case
        when s.position - (s.last_sequence - s.first_sequence) > ${position} then s.first_sequence - 1
        else s.last_sequence - (s.position - ${position})
      end
      from feed_segments s where s.changes_of = m.key and s.position >= ${position} order by s.position limit 1),
    (select f.sequence from feed_mailboxes f where f.mailbox_key = m.key),
    0
  )`;
};

export const feedRow = (db: Kysely<Schema>) =>
  db.selectFrom('feed').select(['id', 'position', 'pruned_position']).where('key', '=', 1).executeTakeFirstOrThrow();

/** The segment that holds the change at a position; undefined when it was pruned, or is not there yet. */
export async function segmentAt(db: Kysely<Schema>, position: number) {
  const segment = await db
    .selectFrom('feed_segments')
    .selectAll()
    .where('position', '>=', position)
    .orderBy('position')
    .limit(1)
    .executeTakeFirst();
  return segment !== undefined && positionIn(segment, segment.first_sequence) <= position ? segment : undefined;
}

/** The position of a change in its segment. */
export const positionIn = (
  { position, last_sequence: last }: { readonly position: number; readonly last_sequence: number },
  sequence: number,
): number => position - (last - sequence);
