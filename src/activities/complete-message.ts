import { dataFromHeld, dataFromRaw, incompleteMessage, isDataOf } from '../gmail/api/attachments.ts';
import type { GmailSession } from '../gmail/api/gmail-api.ts';
import { GmailError, type GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import type { MailboxId } from '../model/ids.ts';
import type { PriceTable } from '../model/prices.ts';
import type { FetchingStore, PendingMessage } from '../store/fetching/fetching-store.ts';
import { isOfAttachment, type MissingAttachments } from './failed-fetches.ts';

/** The session and the mailbox with which a message is completed. */
export interface Completing {
  readonly store: FetchingStore;
  readonly session: GmailSession;
  readonly mailbox: MailboxId;
  readonly signal: AbortSignal;
}

/**
 * Whether fetching a message's attachments one by one is cheaper than one RAW get of the whole message. Attachment ids
 * are valid only for the get that named them, so they must be used right after it. At equal price RAW wins, since many
 * messages share a batch.
 */
export function isCheaperByIds({ attachments }: FetchedMessage, { units }: Pick<PriceTable, 'units'>): boolean {
  return attachments !== undefined && attachments.count * units['messages.attachments.get'] < units['messages.get'];
}

/**
 * An attachment without bytes counts as missing and is asked for again: a single answer is no proof that it is empty.
 */
const EMPTY = {
  kind: 'unavailable',
  status: 200,
  detail: 'Gmail answers no bytes of an attachment that the message names with some',
} as const satisfies GmailFailure;

/** A message with those of its attachments that Gmail gives. */
export interface Completion {
  readonly fetched: FetchedMessage;
  /** null when all attachments are there. */
  readonly missing: MissingAttachments | null;
}

/**
 * Adds the attachments that a FULL message names. An attachment that Gmail does not give is left out and keeps its
 * `attachmentId`. An attachment that is already held is not asked for again.
 *
 * @param held - the message's body in the store; null when the store has none
 * @throws {GmailError} when Gmail does not answer
 */
export async function completeByIds(
  { session, signal }: Pick<Completing, 'session' | 'signal'>,
  fetched: FetchedMessage,
  held: Uint8Array | null = null,
): Promise<Completion> {
  if (fetched.body === null) return { fetched, missing: null };
  const message = incompleteMessage(fetched.body);
  const kept = held === null ? [] : dataFromHeld(held, message.parts);
  const data: (string | null)[] = [];
  let failure: GmailFailure | null = null;
  for (const [index, part] of message.parts.entries()) {
    const bytesHeld = kept[index] ?? null;
    if (bytesHeld !== null) {
      data.push(bytesHeld);
      continue;
    }
    try {
      const bytes = await session.getAttachment({ messageId: fetched.id, attachmentId: part.attachmentId }, signal);
      const isBelieved = isDataOf(part, bytes);
      data.push(isBelieved ? bytes : null);
      if (!isBelieved) failure ??= EMPTY;
    } catch (error) {
      if (!(error instanceof GmailError) || !isOfAttachment(error.failure)) throw error;
      failure ??= error.failure;
      data.push(null);
    }
  }
  const count = data.length;
  const brought = data.filter((bytes) => bytes !== null).length;
  const body = message.completed(data);
  if (failure === null) return { fetched: { ...fetched, body, attachments: { count, held: true } }, missing: null };
  return {
    fetched: { ...fetched, body, attachments: { count, held: false, brought } },
    missing: { missing: count - brought, count, failure },
  };
}

/**
 * Completes the held FULL body with the attachments of the same message in RAW form. Labels come from the RAW answer.
 * If the parts of both forms cannot be matched with certainty (an attachment is not base64), the message is fetched
 * again, and then its attachments one by one.
 *
 * @throws {GmailError} when Gmail does not answer
 */
export async function completeByRaw(
  completing: Completing,
  { id }: PendingMessage,
  raw: FetchedMessage,
): Promise<Completion> {
  const { store, session, mailbox, signal } = completing;
  const held = await store.heldBody({ mailbox, messageId: id });
  if (held !== null && raw.body !== null) {
    const message = incompleteMessage(held);
    const data = await dataFromRaw(raw.body, message.parts);
    if (data !== null)
      return {
        fetched: { ...raw, body: message.completed(data), attachments: { count: data.length, held: true } },
        missing: null,
      };
  }
  const [outcome] = await session.batchGet([{ kind: 'message', id }], 'full', signal);
  if (outcome?.kind !== 'fetched') throw outcome?.error ?? new Error('a batch of one request answered nothing');
  const [fetched] = outcome.messages;
  if (fetched === undefined) throw new Error('an answer holds no message');
  return await completeByIds(completing, fetched, held);
}
