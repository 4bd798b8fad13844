// What an application imports to read mail. Nothing of it needs Temporal, or Gmail.
export type { Attachment } from './attachment.ts';
export type { MailboxReader, MessageQuery } from './mailbox-reader.ts';
export type { Message } from './message.ts';
export type { DecodedHeaders } from './decoded-headers.ts';
export { openReader, type OpenedReader, type OpenReaderRequest, type Reader } from './open-reader.ts';
export type { ChangesRequest } from './follow-changes.ts';
export type { Change, ChangedMessage, FeedChange, Label, Lacking, WhyGone } from '../model/change.ts';
export type { BodyOptions } from '../store/bodies/open-body-store.ts';
export type { HeaderField } from '../store/headers/header-field.ts';
export {
  CursorAheadError,
  CursorPrunedError,
  FeedError,
  FeedReplacedError,
  InvalidCursorError,
  type FeedCursor,
} from '../model/feed-cursor.ts';
