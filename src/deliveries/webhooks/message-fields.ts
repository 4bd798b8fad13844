import type { MailAddress } from '../../model/mail-address.ts';
import type { WebhookField } from '../../model/webhook-field.ts';

/** What a payload may hold of a message; each field only where the subscription asks for it. */
export interface WebhookMessage {
  readonly subject?: string | null;
  readonly from?: MailAddress | null;
  readonly to?: readonly MailAddress[];
  readonly cc?: readonly MailAddress[];
  /** ISO 8601. */
  readonly date?: string | null;
  readonly snippet?: string | null;
  readonly attachments?: readonly { readonly name: string | null; readonly type: string; readonly size: number }[];
  readonly text?: string | null;
  /** The fields that are not complete, because the payload would be too large. */
  readonly cut?: readonly WebhookField[];
}

/** Bytes of JSON that the fields of one message take, at most. */
const LARGEST_MESSAGE = 12_000;
/** Bytes of one field other than the text, at most. */
const LARGEST_FIELD = 2_000;
/** Bytes for names of fields, brackets, and the list of what was cut. */
const FRAME = 300;

/**
 * Shortens what does not fit into a webhook: texts at their end, lists after their first entries. `cut` names what was
 * shortened.
 */
export function fittingFields(message: WebhookMessage): WebhookMessage {
  const room = new Room();
  const fitting = {
    date: room.forText('date', message.date),
    subject: room.forText('subject', message.subject),
    from: room.forAddress('from', message.from),
    to: room.forList('to', message.to),
    cc: room.forList('cc', message.cc),
    snippet: room.forText('snippet', message.snippet),
    attachments: room.forList('attachments', message.attachments),
    text: room.forText('text', message.text),
  } satisfies Record<WebhookField, unknown>;
  return room.cut.length === 0 ? fitting : { ...fitting, cut: room.cut };
}

/** The bytes that are left for further fields. A field that is absent stays absent, and one that is null stays null. */
class Room {
  readonly cut: WebhookField[] = [];
  #left = LARGEST_MESSAGE - FRAME;

  forText(field: WebhookField, text: string | null | undefined): string | null | undefined {
    return this.#take(field, text, (whole, most) => beginning(whole, most));
  }

  forList<Entry>(field: WebhookField, list: readonly Entry[] | undefined): readonly Entry[] | undefined {
    return (
      this.#take(field, list, (whole, most) => {
        let size = 2;
        return whole.slice(
          0,
          whole.findIndex((entry) => (size += jsonBytes(entry) + 1) > most),
        );
      }) ?? undefined
    );
  }

  forAddress(field: WebhookField, address: MailAddress | null | undefined): MailAddress | null | undefined {
    return this.#take(field, address, ({ name, address: whole }, most) => ({
      name: beginning(name, most / 4),
      address: beginning(whole, most / 2),
    }));
  }

  #take<Value extends {}>(
    field: WebhookField,
    value: Value | null | undefined,
    shorten: (value: Value, most: number) => Value,
  ): Value | null | undefined {
    if (value === undefined || value === null) return value;
    const most = field === 'text' ? this.#left : Math.min(this.#left, LARGEST_FIELD);
    const fits = jsonBytes(value) <= most;
    if (!fits) this.cut.push(field);
    const taken = fits ? value : shorten(value, most);
    this.#left -= jsonBytes(taken);
    return taken;
  }
}

/** The longest beginning whose JSON takes at most `most` bytes, found by halving. */
function beginning(text: string, most: number): string {
  let fits = 0;
  let tooLong = text.length;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (jsonBytes(text.slice(0, middle)) <= most) fits = middle;
    else tooLong = middle;
  }
  // Half a surrogate pair cannot be written as UTF-8.
  return text.slice(0, fits).replace(/[\uD800-\uDBFF]$/, '');
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
