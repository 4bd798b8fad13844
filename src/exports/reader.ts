/**
 * `tidemark/reader`: reads mailboxes from the database, without Temporal.
 *
 * @packageDocumentation
 */
export { databaseAt, UnsupportedDatabaseError, type DatabaseLocation } from '../model/database-location.ts';
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
  type Change,
  type ChangesRequest,
  type FeedChange,
  type FeedCursor,
  type MailboxReader,
  type Message,
  type MessageQuery,
  type OpenedReader,
  type OpenReaderRequest,
  type Reader,
  type WhyGone,
} from '../reading/index.ts';
export { StoreError } from '../store/engines/store-error.ts';
export type { Remedy } from '../model/remedy.ts';
export { ERROR_CODES, TidemarkError, type TidemarkErrorCode } from '../model/tidemark-error.ts';
