import { shown } from './options.ts';
import { TidemarkError } from './tidemark-error.ts';

declare const brand: unique symbol;

/**
 * A place in the change feed of all mailboxes: after one change, before the next. Opaque text to save beside what was
 * done with the change.
 */
export type FeedCursor = string & { readonly [brand]: 'FeedCursor' };

/** What a cursor says. */
export interface CursorContent {
  /** The feed's identity. */
  readonly feed: string;
  /** How many changes of the feed are before the cursor. */
  readonly position: number;
  /** The tag of the segment that holds the last of them; empty at the beginning of the feed. */
  readonly tag: string;
}

/** Thrown when a feed cannot be read from a place, or only by starting over. The message says how to go on. */
export abstract class FeedError extends TidemarkError {
  abstract override readonly code: 'invalid-cursor' | 'cursor-ahead' | 'feed-replaced' | 'cursor-pruned';
}

/** The text is not a cursor. */
export class InvalidCursorError extends FeedError {
  override readonly name = 'InvalidCursorError';
  readonly code = 'invalid-cursor';
}

/** The place is beyond the last change: the database is an older copy, or the place is in another database. */
export class CursorAheadError extends FeedError {
  override readonly name = 'CursorAheadError';
  readonly code = 'cursor-ahead';
}

/** The cursor was made by another feed, or before the database was restored from a backup. */
export class FeedReplacedError extends FeedError {
  override readonly name = 'FeedReplacedError';
  readonly code = 'feed-replaced';
}

/** Changes after the cursor were pruned. */
export class CursorPrunedError extends FeedError {
  override readonly name = 'CursorPrunedError';
  readonly code = 'cursor-pruned';
}

const CURSOR = /^1-([0-9a-f]+)-(\d{1,16})-([0-9a-f]*)$/;

/** Whether a text is meant as a cursor. Dates and numbers are not. */
export const isCursorText = (text: string): boolean => /^\s*1-/.test(text);

export function feedCursor({ feed, position, tag }: CursorContent): FeedCursor {
  return `1-${feed}-${position}-${tag}` as FeedCursor;
}

/** @throws {InvalidCursorError} when the number cannot be that of a mailbox's change; 0 is before the first */
export function sequenceNumber(after: number): number {
  if (Number.isSafeInteger(after) && after >= 0) return after;
  throw new InvalidCursorError(
    `${shown(after)} is not the sequence number of a change: expected a whole number, or 0 for the beginning.`,
  );
}

/** @throws {InvalidCursorError} when the text is not a cursor */
export function parseFeedCursor(text: string): CursorContent {
  const [, feed, position, tag] = CURSOR.exec(text.trim()) ?? [];
  if (feed === undefined || position === undefined || tag === undefined || !Number.isSafeInteger(Number(position)))
    throw new InvalidCursorError(
      `"${text.slice(0, 80)}" is not a cursor of the change feed. Pass the cursor of a change exactly as it was read.`,
    );
  return { feed, position: Number(position), tag };
}
