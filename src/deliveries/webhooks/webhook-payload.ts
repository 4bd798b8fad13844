import type { Change, WhyGone } from '../../model/change.ts';
import type { HistoryId, LabelId, MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import type { ConsentCode, SubscribedEvent } from '../../model/subscribed-event.ts';
import type { WebhookMessage } from './message-fields.ts';

/** The version of the payloads. Another one means that a field has another meaning; new fields do not change it. */
const VERSION = 1;

/**
 * What every payload has: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
interface Envelope<Type extends string, Data> {
  readonly type: Type;
  readonly version: typeof VERSION;
  /** When it happened, in ISO 8601; not when it was sent. */
  readonly timestamp: string;
  readonly data: Data;
}

interface MessageData {
  readonly mailbox: MailboxId;
  readonly messageId: MessageId;
  readonly threadId: ThreadId;
  /** Counts the mailbox's changes from 1, without gaps. */
  readonly sequence: number;
  /** Where `tidemark changes` continues after this change; absent where it is not known. */
  readonly cursor?: string;
  readonly historyId: HistoryId;
  readonly labelIds: readonly LabelId[];
  /** null where an earlier version of Tidemark noted the change. */
  readonly added: readonly LabelId[] | null;
  readonly removed: readonly LabelId[] | null;
  /** The subscription's link, for this message. */
  readonly link?: string;
  /** The fields that the subscription asks for; null when the message cannot be read any more. */
  readonly message?: WebhookMessage | null;
}

interface EventData {
  readonly mailbox: MailboxId;
  /** Counts the mailbox's events from 1, without gaps. */
  readonly number: number;
}

/** The payload of one change, of one event, or of a test. */
export type SinglePayload =
  | Envelope<'message.stored' | 'message.labels', MessageData>
  | Envelope<'message.gone', MessageData & { readonly why: WhyGone | 'unknown' }>
  | Envelope<'message.failed', EventData & { readonly messageId: MessageId; readonly reason: string }>
  | Envelope<'mailbox.needs_consent', EventData & { readonly code: ConsentCode; readonly reason: string }>
  | Envelope<'mailbox.recovered' | 'mailbox.in_sync', EventData>
  | Envelope<'webhook.test', Readonly<Record<string, never>>>;

/** The body of a webhook. Several changes of one mailbox come as a batch, in their order. */
export type WebhookPayload =
  SinglePayload | Envelope<'mailbox.batch', { readonly mailbox: MailboxId; readonly events: readonly SinglePayload[] }>;

/** Standard Webhooks recommends payloads of less than 20 KB. */
const LARGEST_BODY = 20_000;
/** Bytes of a batch around its payloads. */
const BATCH_FRAME = 500;

/** What a payload says of a change besides the change itself. */
export interface ChangeDetails {
  /** Absent when the subscription has no link: see `linkTo`. */
  readonly link?: string;
  /** Absent when the subscription asks for no fields. */
  readonly message?: WebhookMessage | null;
}

/** The payload of one change. Without `details.message` it holds no mail: ids and labels only. */
export function payloadOfChange(
  change: Change & { readonly cursor?: string },
  { link, message }: ChangeDetails = {},
): SinglePayload {
  const { mailbox, messageId, threadId, sequence, cursor, historyId, labelIds, added, removed } = change;
  const data: MessageData = {
    mailbox,
    messageId,
    threadId,
    sequence,
    ...(cursor === undefined ? {} : { cursor }),
    historyId,
    labelIds,
    added,
    removed,
    ...(link === undefined ? {} : { link }),
    ...(message === undefined ? {} : { message }),
  };
  const frame = { version: VERSION, timestamp: isoTime(change.at) } as const;
  switch (change.kind) {
    case 'stored':
      return { type: 'message.stored', ...frame, data };
    case 'labels':
      return { type: 'message.labels', ...frame, data };
    case 'gone':
      return { type: 'message.gone', ...frame, data: { ...data, why: change.why } };
  }
}

/** The payload of what happened to a mailbox besides its mail. */
export function payloadOfEvent(event: SubscribedEvent): SinglePayload {
  const data = { mailbox: event.mailbox, number: event.number };
  const frame = { version: VERSION, timestamp: isoTime(event.at) } as const;
  switch (event.kind) {
    case 'needs-consent':
      return { type: 'mailbox.needs_consent', ...frame, data: { ...data, code: event.code, reason: event.reason } };
    case 'recovered':
      return { type: 'mailbox.recovered', ...frame, data };
    case 'in-sync':
      return { type: 'mailbox.in_sync', ...frame, data };
    case 'message-failed':
      return { type: 'message.failed', ...frame, data: { ...data, messageId: event.messageId, reason: event.reason } };
  }
}

/**
 * The payload that tries a receiver out.
 *
 * @param at - epoch ms
 */
export function testPayload(at: number): SinglePayload {
  return { type: 'webhook.test', version: VERSION, timestamp: isoTime(at), data: {} };
}

/**
 * How many of the first payloads fit into one webhook: at least one, whatever its size. Reads no payload after the
 * first that does not fit.
 *
 * A batch keeps its first and last change through all attempts, so this is asked before the first attempt only.
 */
export async function payloadsThatFit(
  payloads: Iterable<SinglePayload> | AsyncIterable<SinglePayload>,
): Promise<number> {
  let size = BATCH_FRAME;
  let fitting = 0;
  for await (const payload of payloads) {
    size += bytesOf(payload).length + 1;
    if (size > LARGEST_BODY) return Math.max(fitting, 1);
    fitting += 1;
  }
  return fitting;
}

/**
 * The bytes of a webhook: JSON in UTF-8.
 *
 * @param payloads - of one mailbox, in their order; a single one is sent as it is, several as a batch
 */
export function bodyOf(mailbox: MailboxId, payloads: readonly [SinglePayload, ...SinglePayload[]]): Uint8Array {
  const [first, ...others] = payloads;
  if (others.length === 0) return bytesOf(first);
  const { timestamp } = others.at(-1) ?? first;
  return bytesOf({ type: 'mailbox.batch', version: VERSION, timestamp, data: { mailbox, events: payloads } });
}

/**
 * The bytes of the webhook that tries a receiver out.
 *
 * @param at - epoch ms
 */
export const testBody = (at: number): Uint8Array => bytesOf(testPayload(at));

const bytesOf = (payload: WebhookPayload): Buffer => Buffer.from(JSON.stringify(payload));
const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
