import type { Change } from '../../model/change.ts';
import { linkTo } from './link.ts';
import type { WebhookField } from '../../model/webhook-field.ts';
import { fittingFields, type WebhookMessage } from './message-fields.ts';
import { payloadOfChange, type SinglePayload } from './webhook-payload.ts';

/** What a subscription wants to know of a message besides ids and labels. */
export interface PayloadChoice {
  /** Empty for no mail in payloads. */
  readonly fields: readonly WebhookField[];
  /** A template: see {@link linkTo}. */
  readonly link: string | null;
}

/**
 * Reads the asked fields of a changed message.
 *
 * @returns null when the message cannot be read any more
 */
export type ReadFields = (change: Change, fields: readonly WebhookField[]) => Promise<WebhookMessage | null>;

/** The payload of a change. Its message is read only when the subscription asks for some of its fields. */
export async function payloadOfChanged(
  change: Change & { readonly cursor?: string },
  { fields, link }: PayloadChoice,
  read: ReadFields,
): Promise<SinglePayload> {
  const message = fields.length === 0 ? undefined : await read(change, fields);
  return payloadOfChange(change, {
    ...(link === null ? {} : { link: linkTo(link, change) }),
    ...(message === undefined ? {} : { message: message === null ? null : fittingFields(only(fields, message)) }),
  });
}

/** What was asked for and nothing else: a reader that gives more must not send more mail. */
function only(fields: readonly WebhookField[], message: WebhookMessage): WebhookMessage {
  return Object.fromEntries(Object.entries(message).filter(([field]) => fields.some((asked) => asked === field)));
}
