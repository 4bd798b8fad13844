import { databaseAt, type DatabaseLocation } from '../model/database-location.ts';
import type { FeedChange } from '../model/change.ts';
import type { FeedCursor } from '../model/feed-cursor.ts';
import { mailboxId, type MailboxId } from '../model/ids.ts';
import { knownOptions } from '../model/options.ts';
import { Bodies } from '../store/bodies/bodies.ts';
import type { BodyOptions } from '../store/bodies/open-body-store.ts';
import { READABLE_ID } from '../store/engines/readable-mailbox.ts';
import type { StoreDatabase } from '../store/engines/store-database.ts';
import { openDatabaseToRead } from '../store/open-to-read.ts';
import { endOfChanges, followChanges, type ChangesRequest } from './follow-changes.ts';
import { mailboxReader, type MailboxReader } from './mailbox-reader.ts';

/** Reads the mail of a store. */
export interface Reader {
  /**
   * Reads one mailbox.
   *
   * @param email - the mailbox; nothing is read yet
   * @returns what reads its mail
   * @throws {InvalidIdError} when it is not an e-mail address
   */
  mailbox(email: string): MailboxReader;
  /**
   * The stored mailboxes, in the order of their addresses.
   *
   * @returns their addresses
   */
  mailboxes(): Promise<readonly MailboxId[]>;
  /**
   * Follows the change feed of all mailboxes, or of one: see {@link followChanges}.
   *
   * @param request - where to begin, which mailbox, and what ends the loop; by default all mailboxes, from the first
   * change on
   * @returns the changes, each with the cursor that comes after it
   * @example
   * for await (const change of reader.changes({ after: saved })) {
   *   await work(change);
   *   await save(change.cursor);
   * }
   */
  changes(request?: ChangesRequest): AsyncIterable<FeedChange>;
  /**
   * The present end of the change feed: see {@link endOfChanges}.
   *
   * @returns a cursor with which `changes` gives only what comes from now on
   */
  endOfChanges(): Promise<FeedCursor>;
}

/** A {@link Reader} with its connections to the database. */
export interface OpenedReader extends Reader {
  /** Closes the database. Loops over `changes` and `messages` end with an error then. */
  close(): Promise<void>;
}

/** What {@link openReader} opens. */
export interface OpenReaderRequest {
  /** `sqlite:PATH`, `postgres://…`, or a location that is parsed already. */
  readonly database: string | DatabaseLocation;
  /**
   * How bodies outside the database are reached, where the database does not say so: the region of a bucket, for
   * example.
   */
  readonly bodies?: BodyOptions;
}

/**
 * Opens a store for reading. Needs no Temporal server, creates neither a folder nor a file, and changes nothing but the
 * positions of the change feed, when it is followed.
 *
 * @param request - the database, and where bodies outside it are
 * @returns the reader; close it in the end
 * @throws {StoreError} `unavailable` when there is no store, or the database cannot be used; `older-schema` when the
 * database must be migrated first
 * @throws {UnsupportedDatabaseError} when the URL does not name a database
 * @example
 * const reader = await openReader({ database: 'sqlite:.tidemark/tidemark.sqlite' });
 * const message = await reader.mailbox('ada@example.com').message('18c2f0a1b2c3d4e5');
 * console.log({ subject: message?.subject, text: await message?.text() });
 * await reader.close();
 */
export async function openReader(request: OpenReaderRequest): Promise<OpenedReader> {
  const { database, bodies: options } = knownOptions('openReader', request, { database: true, bodies: true });
  const opened = await openDatabaseToRead(isLocation(database) ? database : databaseAt(database));
  const bodies = new Bodies(opened, options);
  return {
    ...readerOf(opened, bodies),
    close: async () => {
      await bodies.close();
      await opened.close();
    },
  };
}

const isLocation = (database: string | DatabaseLocation): database is DatabaseLocation =>
  typeof database === 'object' && database !== null && 'kind' in database;

/** The reader of a database that is open already. */
export function readerOf(database: StoreDatabase, bodies: Bodies): Reader {
  return {
    changes: (request) => followChanges(database, request),
    endOfChanges: () => endOfChanges(database),
    mailbox: (email) => mailboxReader(database, bodies, mailboxId(email)),
    mailboxes: async () =>
      (
        await database.read((db) =>
          db.selectFrom('mailboxes').select('id').where('id', 'like', READABLE_ID).orderBy('id').execute(),
        )
      ).map(({ id }) => id as MailboxId),
  };
}
