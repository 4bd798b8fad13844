import type { HistoryId, LabelId, MailboxId, MessageId, ThreadId } from './branded-ids.ts';
import { TidemarkError } from './tidemark-error.ts';

export type { HistoryId, LabelId, MailboxId, MessageId, ThreadId } from './branded-ids.ts';

/** Thrown when text that should be an identifier is not one. */
export class InvalidIdError extends TidemarkError {
  override readonly name = 'InvalidIdError';
  readonly code = 'invalid-id';
}

/** Control and format characters are refused: they are invisible, or change what a terminal shows. */
const EMAIL = /^[^\s@/\p{Cc}\p{Cf}\p{Cs}]+@[^\s@/\p{Cc}\p{Cf}\p{Cs}]+$/u;

/**
 * Reads an e-mail address as the id of a mailbox.
 *
 * @param text - the address, in any case
 * @returns the address in lower case, with a type of its own
 * @throws {InvalidIdError} when `text` is not an e-mail address
 */
export function mailboxId(text: string): MailboxId {
  if (typeof text !== 'string') throw new InvalidIdError(`${String(text)} is not an e-mail address`);
  const email = text.trim().toLowerCase();
  if (!EMAIL.test(email) || email.length > 254) throw new InvalidIdError(`"${text}" is not an e-mail address`);
  return email as MailboxId;
}

/** @throws {InvalidIdError} when `text` is empty */
export const messageId = (text: string): MessageId => nonEmpty(text, 'message id') as MessageId;
/** @throws {InvalidIdError} when `text` is empty */
export const threadId = (text: string): ThreadId => nonEmpty(text, 'thread id') as ThreadId;
/**
 * The id of a label: `INBOX` and its like for Gmail's own labels, `Label_…` for those that people made.
 *
 * @throws {InvalidIdError} when `text` is empty
 */
export const labelId = (text: string): LabelId => nonEmpty(text, 'label id') as LabelId;

/** The label of chats, which have no raw: https://github.com/GAM-team/got-your-back/issues/84 */
export const CHAT = labelId('CHAT');

const UINT64_MAX = 2n ** 64n - 1n;

/** @throws {InvalidIdError} when `text` is not a uint64 in decimal */
export function historyId(text: string): HistoryId {
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > UINT64_MAX) throw new InvalidIdError(`"${text}" is not a historyId`);
  return BigInt(text).toString() as HistoryId;
}

/**
 * Numeric order of two history ids: negative, zero or positive. Decimal text without leading zeros orders by length
 * first.
 */
export function compareHistoryIds(a: HistoryId, b: HistoryId): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

export const olderHistoryId = (a: HistoryId, b: HistoryId): HistoryId => (compareHistoryIds(a, b) <= 0 ? a : b);
export const newerHistoryId = (a: HistoryId, b: HistoryId): HistoryId => (compareHistoryIds(a, b) >= 0 ? a : b);

function nonEmpty(text: string, what: string): string {
  if (text.length === 0) throw new InvalidIdError(`an empty text is not a ${what}`);
  return text;
}
