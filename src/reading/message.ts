import type { Label, Lacking } from '../model/change.ts';
import type { MailboxId, MessageId, ThreadId } from '../model/ids.ts';
import type { MailAddress } from '../model/mail-address.ts';
import type { MessageFormat } from '../model/settings.ts';
import type { Attachment } from './attachment.ts';
import type { DecodedHeaders } from './decoded-headers.ts';

/** A message of a mailbox, decoded. Its functions read the stored body when the first of them is called. */
export interface Message {
  /** The mailbox that holds it. */
  readonly mailbox: MailboxId;
  /** Gmail's id of it. */
  readonly id: MessageId;
  /** Gmail's id of its thread. */
  readonly threadId: ThreadId;
  /** The header Subject, decoded; null when it is missing. */
  readonly subject: string | null;
  /** The first address of the header From; null when it is missing. */
  readonly from: MailAddress | null;
  /** The addresses of the header To. */
  readonly to: readonly MailAddress[];
  /** The addresses of the header Cc. */
  readonly cc: readonly MailAddress[];
  /** The addresses of the header Bcc. Mostly, only messages that the mailbox sent have any. */
  readonly bcc: readonly MailAddress[];
  /** When it arrived at Gmail; null when Gmail does not say. `messages()` is in the order of this date. */
  readonly date: Date | null;
  /** The header Date, which the sender wrote; null when it is missing or no date. */
  readonly sentAt: Date | null;
  /** The header Message-ID, with its angle brackets: the same in every mailbox that got the message. */
  readonly rfc822Id: string | null;
  /** The labels that it has, by name. */
  readonly labels: readonly Label[];
  /** The beginning of the text, as Gmail gives it: with HTML entities. */
  readonly snippet: string;
  /** Bytes, by Gmail's estimate. */
  readonly size: number;
  /** Attachments that are not shown within the HTML; null when the format does not say. */
  readonly hasAttachments: boolean | null;
  /** The format in which the message is held: `metadata` has headers only, `minimal` not even those. */
  readonly format: MessageFormat;
  /** What Gmail does not give of the message; null when nothing is missing. */
  readonly lacks: Lacking | null;
  /**
   * The text; for a message that only has HTML, the HTML as plain text. null when the format holds no text.
   *
   * @returns the text
   * @throws {StoreError} `store-body-lost` when the body, outside the database, is missing or damaged
   */
  readonly text: () => Promise<string | null>;
  /**
   * The HTML; null when the message has none, or the format holds none.
   *
   * @returns the HTML, not made safe: clean it before a browser shows it
   */
  readonly html: () => Promise<string | null>;
  /**
   * The parts that are not its text.
   *
   * @returns the attachments; none when the format holds no parts
   */
  readonly attachments: () => Promise<readonly Attachment[]>;
  /**
   * The headers, decoded: by name, or all of them in the message's order. None when the format holds none.
   *
   * @returns the headers
   */
  readonly headers: () => Promise<DecodedHeaders>;
  /**
   * The RFC 822 bytes; null unless the message is held in the `raw` format.
   *
   * @returns the bytes, as they came to Gmail
   */
  readonly raw: () => Promise<Uint8Array | null>;
}
