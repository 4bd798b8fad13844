import { z } from 'zod';

import { historyId, InvalidIdError, mailboxId, type HistoryId, type MailboxId } from '../model/ids.ts';
import { jsonOf } from '../model/json-of.ts';

/** What Gmail's notification says about a mailbox: https://developers.google.com/workspace/gmail/api/guides/push */
export interface MailboxNotification {
  readonly mailbox: MailboxId;
  /**
   * The mailbox's head when Gmail sent the notification; null when it came as a number too large to be exact. It is
   * only a hint: changes are read from our own mark on.
   */
  readonly historyId: HistoryId | null;
}

/** Thrown when a delivery is not a notification from Gmail. The message does not quote the delivery. */
export class MalformedNotificationError extends Error {
  override readonly name = 'MalformedNotificationError';
}

/** https://cloud.google.com/pubsub/docs/push#receive_push */
const ENVELOPE = z.object({ message: z.object({ data: z.string().min(1).max(10_000) }) });
/** Gmail's documentation shows the id both as a number and as a string. */
const PAYLOAD = z.object({
  emailAddress: z.string(),
  historyId: z.union([z.string().max(30), z.number().positive().refine(Number.isInteger)]),
});

/**
 * The notification in the body of a Pub/Sub push request.
 *
 * @throws {MalformedNotificationError} when the body does not hold a notification
 */
export function notificationInEnvelope(body: string): MailboxNotification {
  const envelope = ENVELOPE.safeParse(jsonOf(body));
  if (!envelope.success) throw new MalformedNotificationError('the request is no Pub/Sub message with data');
  return notificationInData(Buffer.from(envelope.data.message.data, 'base64'));
}

/**
 * The notification in the data of a Pub/Sub message.
 *
 * @throws {MalformedNotificationError} when the data does not hold a notification
 */
export function notificationInData(data: Buffer): MailboxNotification {
  const payload = PAYLOAD.safeParse(jsonOf(data));
  if (!payload.success) throw new MalformedNotificationError("the message's data is not emailAddress and historyId");
  try {
    return { mailbox: mailboxId(payload.data.emailAddress), historyId: exactHistoryId(payload.data.historyId) };
  } catch (error) {
    if (error instanceof InvalidIdError)
      throw new MalformedNotificationError("the message's emailAddress or historyId is not one");
    throw error;
  }
}

/** The JSON parser has rounded a number beyond 2^53, so such a number is dropped. */
function exactHistoryId(value: string | number): HistoryId | null {
  if (typeof value === 'string') return historyId(value);
  return Number.isSafeInteger(value) ? historyId(String(value)) : null;
}
