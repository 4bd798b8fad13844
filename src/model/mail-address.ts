/** A sender or a recipient of a message. */
export interface MailAddress {
  /** The decoded display name; empty when there is none. */
  readonly name: string;
  /** Empty when the header names a person without an address. */
  readonly address: string;
}
