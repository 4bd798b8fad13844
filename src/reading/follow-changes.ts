import type { FeedChange } from '../model/change.ts';
import type { Clock } from '../model/clock.ts';
import {
  feedCursor,
  InvalidCursorError,
  parseFeedCursor,
  sequenceNumber,
  type FeedCursor,
} from '../model/feed-cursor.ts';
import { mailboxId, type MailboxId } from '../model/ids.ts';
import { knownOptions, shown, type OptionNames } from '../model/options.ts';
import { systemClock } from '../host/system-clock.ts';
import type { StoreDatabase } from '../store/engines/store-database.ts';
import { CommitWakes } from '../store/engines/commit-wakes.ts';
import { numberChanges } from '../store/feed/number-changes.ts';
import { positionOf, type FeedPosition } from '../store/feed/feed-position.ts';
import { afterSequence, beginningOfFeed, endOfFeed, readFeed, type FeedPage } from '../store/feed/read-feed.ts';

/** Which changes are followed, and from where. */
export interface ChangesRequest {
  /** Only the changes of this mailbox. Cursors are the same as those of all mailboxes. */
  readonly mailbox?: string;
  /**
   * The cursor of the last change that was dealt with. By default, the oldest change that is kept comes first. With
   * `mailbox` it may also be the sequence number of that change.
   */
  readonly after?: string | number;
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
  /** false ends the iteration at the present end of the feed. Defaults to true. */
  readonly follow?: boolean;
}

const REQUEST: OptionNames<ChangesRequest> = { mailbox: true, after: true, signal: true, follow: true };

/** Changes per query. */
const PAGE = 1_000;

/**
 * Follows the change feed of all mailboxes, or of one, forever. The next page is read when the loop asks for it.
 * Nothing is held open while the loop's body runs, so the loop may take its time.
 *
 * Save each change's `cursor` together with what was done: then no change is missed, in whatever order the mailboxes'
 * transactions commit. The function writes to the tables of the feed, so permission to read is not enough.
 *
 * @throws {InvalidCursorError | CursorAheadError | FeedReplacedError | CursorPrunedError} when `after` is no place to
 * go on from; the message says how to start over
 * @throws {StoreError} when the database cannot be used, or does not know the mailbox. Begin again after the last
 * cursor
 */
export async function* followChanges(
  database: StoreDatabase,
  request: ChangesRequest = {},
  clock: Clock = systemClock,
): AsyncGenerator<FeedChange, void, undefined> {
  const { mailbox, after, signal, follow = true } = knownOptions('changes', request, REQUEST);
  const only = mailbox === undefined ? null : mailboxId(mailbox);
  let from = await positionAfter(database, after, only);
  const isAborted = (): boolean => signal?.aborted === true;
  // Listens before it looks, so that no commit falls between the two.
  const wakes = new CommitWakes({ changes: database.changes, clock, signal });
  try {
    for (let keys: readonly number[] | null = null; ; keys = await wakes.next()) {
      if (isAborted()) return;
      await numberChanges(database, keys);
      for (let isLast = false; !isLast;) {
        const page: FeedPage = await readFeed(database, { from, mailbox: only, limit: PAGE });
        for (const change of page.changes) {
          if (isAborted()) return;
          yield change;
        }
        ({ next: from, isLast } = page);
      }
      if (!follow) return;
    }
  } finally {
    wakes.stop();
  }
}

async function positionAfter(
  database: StoreDatabase,
  after: ChangesRequest['after'],
  mailbox: MailboxId | null,
): Promise<FeedPosition> {
  if (after === undefined) return beginningOfFeed(database);
  if (typeof after === 'string') return positionOf(parseFeedCursor(after));
  if (typeof after !== 'number')
    throw new InvalidCursorError(
      `${shown(after)} is not a cursor of the change feed. Leave "after" out to begin with the first change.`,
    );
  if (mailbox === null)
    throw new InvalidCursorError(
      `${after} is a sequence number, and each mailbox counts its own. Name the mailbox, ` +
        'or pass the cursor of a change.',
    );
  return afterSequence(database, mailbox, sequenceNumber(after));
}

/**
 * The present end of the feed: the changes after this cursor are those that are committed from now on. Take it before
 * you read all messages, and follow the feed from it afterwards.
 */
export async function endOfChanges(database: StoreDatabase): Promise<FeedCursor> {
  await numberChanges(database, null);
  return feedCursor(await endOfFeed(database));
}
