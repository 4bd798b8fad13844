import type { Kysely } from 'kysely';
import type { Change, FeedChange } from '../../model/change.ts';
import { feedCursor, type CursorContent } from '../../model/feed-cursor.ts';
import type { MailboxId } from '../../model/ids.ts';
import { isReadableId, READABLE_ID } from '../engines/readable-mailbox.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { toChange } from '../rows/change-columns.ts';
import {
  checkPosition,
  feedRow,
  positionIn,
  positionOf,
  segmentAt,
  type FeedDatabase,
  type FeedPosition,
} from './feed-position.ts';
import { readChangePage } from './mailbox-changes.ts';
import { numberChanges } from './number-changes.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';

export interface FeedPage {
  readonly changes: readonly FeedChange[];
  readonly next: FeedPosition;
  /** Whether no more changes were numbered when the page was read. */
  readonly isLast: boolean;
}

/** Segments that are looked at together. */
const SEGMENTS = 1_000;

/** Where the feed ends now, as the content of a cursor to begin from. Number the changes first. */
export async function endOfFeed(database: StoreDatabase): Promise<CursorContent> {
  return database.read(async (db) => {
    const { id, position } = await feedRow(db);
    return { feed: id, position, tag: (await segmentAt(db, position))?.tag ?? '' };
  });
}

/** The beginning: the oldest change that is kept. */
export async function beginningOfFeed(database: StoreDatabase): Promise<FeedPosition> {
  const { pruned_position: prunedBefore } = await database.read(feedRow);
  return { position: 0, tag: null, feed: null, prunedBefore };
}

/**
 * The position after the change of one mailbox with a sequence number.
 *
 * @throws {CursorAheadError | CursorPrunedError} as `MailboxChanges.readChangePage`
 */
export async function afterSequence(database: StoreDatabase, mailbox: MailboxId, after: number): Promise<FeedPosition> {
  await readChangePage(database, { mailbox, after, limit: 1 });
  if (after === 0) return beginningOfFeed(database);
  const key = await mailboxKey(database, mailbox);
  await numberChanges(database, [key]);
  const { id, segment } = await database.read(async (db) => ({
    id: (await feedRow(db)).id,
    segment: await db
      .selectFrom('feed_segments')
      .selectAll()
      .where('changes_of', '=', key)
      .where('last_sequence', '>=', after)
      .orderBy('position')
      .limit(1)
      .executeTakeFirst(),
  }));
  // The mailbox's changes up to this one have just been pruned.
  if (segment === undefined) return beginningOfFeed(database);
  const tag = segment.first_sequence <= after ? segment.tag : '';
  return positionOf({ feed: id, position: positionIn(segment, after), tag });
}

/**
 * The next numbered changes of all mailboxes, or of one. The position is checked after the changes were read: a pruning
 * in between must not look like an end.
 *
 * @throws {CursorAheadError | FeedReplacedError | CursorPrunedError}
 */
export async function readFeed(
  database: StoreDatabase,
  { from, mailbox, limit }: { from: FeedPosition; mailbox: MailboxId | null; limit: number },
): Promise<FeedPage> {
  const key = mailbox === null ? null : await mailboxKey(database, mailbox);
  return database.read(async (db) => {
    const segments = await nextSegments(db, from.position, key);
    const { rows, end } = await changesOf({ db, dialect: database.dialect }, segments, from.position, limit);
    const feed = await checkPosition({ db, dialect: database.dialect }, from, key === null ? null : [key]);
    const last = segments.find(({ position }) => position >= end);
    return {
      changes: rows.map(({ position, tag, change }) => ({
        ...change,
        cursor: feedCursor({ feed: feed.id, position, tag }),
      })),
      next: { feed: feed.id, position: end, tag: last?.tag ?? from.tag, prunedBefore: from.prunedBefore },
      isLast: segments.length === 0 || (segments.length < SEGMENTS && end === segments.at(-1)?.position),
    };
  });
}

type Segment = Awaited<ReturnType<typeof nextSegments>>[number];

function nextSegments(db: Kysely<Schema>, after: number, key: number | null) {
  const query = db.selectFrom('feed_segments').selectAll().where('position', '>', after);
  return (key === null ? query : query.where('changes_of', '=', key)).orderBy('position').limit(SEGMENTS).execute();
}

interface Placed {
  readonly position: number;
  readonly tag: string;
  readonly change: Change;
}

/**
 * Reads as many changes of the segments as are wanted: several whole segments in one query, or a part of a segment that
 * holds more than that. `end` is the position up to which everything was read.
 */
async function changesOf(
  { db, dialect }: FeedDatabase,
  segments: readonly Segment[],
  after: number,
  limit: number,
): Promise<{ readonly rows: readonly Placed[]; readonly end: number }> {
  const [first] = segments;
  if (first === undefined) return { rows: [], end: after };
  let size = 0;
  let end = after;
  for (const segment of segments) {
    size += sizeAfter(segment, after);
    if (size > limit) break;
    end = segment.position;
  }
  if (end > after) return { rows: await wholeSegments({ db, dialect }, segments, after, end), end };
  end = first.position - sizeAfter(first, after) + limit;
  return { rows: await partOf(db, first, end - limit, end), end };
}

/** How many changes of a segment are after a position. */
const sizeAfter = ({ position, first_sequence: first, last_sequence: last }: Segment, after: number): number =>
  Math.min(last - first + 1, position - after);

async function wholeSegments(
  { db, dialect }: FeedDatabase,
  segments: readonly Segment[],
  after: number,
  end: number,
): Promise<readonly Placed[]> {
  const read = segments.filter(({ position }) => position <= end);
  const bySegment = new Map(read.map((segment) => [segment.position, segment]));
  const rows = await db
    .selectFrom('feed_segments')
    .innerJoin('changes', (join) =>
      join
        .onRef('changes.mailbox_key', '=', 'feed_segments.changes_of')
        .onRef('changes.sequence', '>=', 'feed_segments.first_sequence')
        .onRef('changes.sequence', '<=', 'feed_segments.last_sequence'),
    )
    .innerJoin('mailboxes', 'mailboxes.key', 'feed_segments.changes_of')
    .selectAll('changes')
    .select(['feed_segments.position', 'mailboxes.id as mailbox'])
    .where(dialect.isOneOfIntegers('feed_segments.position', [...bySegment.keys()]))
    .where('mailboxes.id', 'like', READABLE_ID)
    .orderBy('feed_segments.position')
    .orderBy('changes.sequence')
    .execute();
  return rows.flatMap((row) => {
    const segment = bySegment.get(row.position);
    const position = segment === undefined ? 0 : positionIn(segment, row.sequence);
    // The position may be within the first segment.
    if (segment === undefined || position <= after) return [];
    return [{ position, tag: segment.tag, change: toChange(row.mailbox as MailboxId, row) }];
  });
}

async function partOf(db: Kysely<Schema>, segment: Segment, after: number, end: number): Promise<readonly Placed[]> {
  const { position, last_sequence: last, changes_of: key, tag } = segment;
  const sequenceAt = (upTo: number): number => last - (position - upTo);
  const mailbox = await db.selectFrom('mailboxes').select('id').where('key', '=', key).executeTakeFirst();
  if (mailbox === undefined || !isReadableId(mailbox.id)) return [];
  const rows = await db
    .selectFrom('changes')
    .selectAll()
    .where('mailbox_key', '=', key)
    .where('sequence', '>', sequenceAt(after))
    .where('sequence', '<=', sequenceAt(end))
    .orderBy('sequence')
    .execute();
  return rows.map((row) => ({
    position: positionIn(segment, row.sequence),
    tag,
    change: toChange(mailbox.id as MailboxId, row),
  }));
}
