import type { Label, Lacking } from '../model/change.ts';
import type { MailboxId, MessageId, ThreadId } from '../model/ids.ts';
import type { MailAddress } from '../model/mail-address.ts';
import type { MessageFormat } from '../model/settings.ts';
import type { Attachment } from './attachment.ts';
import type { DecodedHeaders } from './decoded-headers.ts';

/** A message of a mailbox, decoded. What is a function is read from the stored body when it is first called. */
export interface Message {
  readonly mailbox: MailboxId;
  readonly id: MessageId;
  readonly threadId: ThreadId;
  readonly subject: string | null;
  readonly from: MailAddress | null;
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  /** When it arrived at Gmail; null when Gmail does not say. `messages()` is in the order of this date. */
  readonly date: Date | null;
  /** The header Date, which the sender wrote; null when it is missing or no date. */
  readonly sentAt: Date | null;
  /** The header Message-ID, with its angle brackets: the same in every mailbox that got the message. */
  readonly rfc822Id: string | null;
  readonly labels: readonly Label[];
  /** Gmail's beginning of the text, with HTML entities. */
  readonly snippet: string;
  /** Bytes, by Gmail's estimate. */
  readonly size: number;
  /** Attachments that are not shown within the HTML; null when the format does not say. */
  readonly hasAttachments: boolean | null;
  /** The format in which the message is held: `metadata` has headers only, `minimal` not even those. */
  readonly format: MessageFormat;
  /** What Gmail does not give of the message; null when nothing is missing. */
  readonly lacks: Lacking | null;
  /** The text; of a message that only has HTML, that as text. null when the format holds none. */
  readonly text: () => Promise<string | null>;
  readonly html: () => Promise<string | null>;
  readonly attachments: () => Promise<readonly Attachment[]>;
  /** The headers, decoded: by name, or all of them in the message's order. None when the format holds none. */
  readonly headers: () => Promise<DecodedHeaders>;
  /** The RFC 822 bytes; null unless the message is held in the `raw` format. */
  readonly raw: () => Promise<Uint8Array | null>;
}
