import type { MailAddress } from '../../model/mail-address.ts';
import type { WebhookField } from '../../model/webhook-field.ts';
import type { WebhookMessage } from './message-fields.ts';

/** What payloads take from a message: `Message` of `src/reading` has it. */
export interface ReadableMessage {
  readonly subject: string | null;
  readonly from: MailAddress | null;
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly date: Date | null;
  readonly snippet: string;
  text(): Promise<string | null>;
  attachments(): Promise<readonly { readonly name: string | null; readonly type: string; readonly size: number }[]>;
}

/** The asked fields of a message. Its body is read only when one of them needs it. */
export async function fieldsOfMessage(
  message: ReadableMessage,
  fields: readonly WebhookField[],
): Promise<WebhookMessage> {
  const entries = await Promise.all(fields.map(async (field) => [field, await valueOf(message, field)] as const));
  return Object.fromEntries(entries);
}

async function valueOf(message: ReadableMessage, field: WebhookField): Promise<WebhookMessage[WebhookField]> {
  switch (field) {
    case 'date':
      return message.date?.toISOString() ?? null;
    case 'subject':
    case 'from':
    case 'to':
    case 'cc':
    case 'snippet':
      return message[field];
    case 'text':
      return message.text();
    case 'attachments':
      return (await message.attachments()).map(({ name, type, size }) => ({ name, type, size }));
  }
}
