import type { MailAddress } from '../../model/mail-address.ts';

/** What people look for in a message, decoded. */
export interface MessageHeaders {
  readonly subject: string | null;
  readonly from: MailAddress | null;
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  /** The header Date, epoch milliseconds; null when it is missing or no date. */
  readonly sentAt: number | null;
  /** The header Message-ID, with its angle brackets. */
  readonly rfc822Id: string | null;
  /** Attachments that are not shown within the HTML; null when the format does not say. */
  readonly hasAttachments: boolean | null;
}

/** The headers of a message whose format holds none, or that cannot be read. */
export const NO_HEADERS: MessageHeaders = {
  subject: null,
  from: null,
  to: [],
  cc: [],
  bcc: [],
  sentAt: null,
  rfc822Id: null,
  hasAttachments: null,
};
