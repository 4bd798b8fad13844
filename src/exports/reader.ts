/**
 * `tidemark/reader`: reads mailboxes from the database, without Temporal.
 *
 * @packageDocumentation
 */
export {
  databaseAt,
  UnsupportedDatabaseError,
  type DatabaseLocation,
  type PostgresAccess,
  type PostgresLocation,
  type SqliteLocation,
} from '../model/database-location.ts';
export {
  InvalidIdError,
  mailboxId,
  type HistoryId,
  type LabelId,
  type MailboxId,
  type MessageId,
  type ThreadId,
} from '../model/ids.ts';
export type { MailAddress } from '../model/mail-address.ts';
export {
  CursorAheadError,
  CursorPrunedError,
  FeedError,
  FeedReplacedError,
  InvalidCursorError,
  openReader,
  type Attachment,
  type BodyOptions,
  type Change,
  type ChangedMessage,
  type ChangesRequest,
  type FeedChange,
  type FeedCursor,
  type HeaderField,
  type Label,
  type Lacking,
  type MailboxReader,
  type Message,
  type DecodedHeaders,
  type MessageQuery,
  type OpenedReader,
  type OpenReaderRequest,
  type Reader,
  type WhyGone,
} from '../reading/index.ts';
export type { MessageFormat } from '../model/settings.ts';
export { StoreError, type StoreFailure } from '../store/engines/store-error.ts';
export type { Remedy } from '../model/remedy.ts';
export {
  ERROR_CODES,
  TidemarkError,
  type TidemarkErrorCode,
  type TidemarkErrorOptions,
} from '../model/tidemark-error.ts';
export { CannotDoError, UsageError } from '../model/program-errors.ts';
