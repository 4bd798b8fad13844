import { Readable } from 'node:stream';

/** A part of a message that is not its text. */
export interface Attachment {
  /** The file name; null when the part has none. */
  readonly name: string | null;
  /** The media type in lower case, for example `application/pdf`. */
  readonly type: string;
  /** Bytes of the content; for a part that is not held, the size that Gmail names. */
  readonly size: number;
  /** The id by which the HTML names the part (`cid:`), with its angle brackets; null when the part has none. */
  readonly contentId: string | null;
  /** True when the HTML shows it: an image of a signature, for example. */
  readonly isInline: boolean;
  /** False when the message was stored without its attachments: then {@link Attachment.content} throws. */
  readonly isHeld: boolean;
  /**
   * The content, decoded piece by piece.
   *
   * @returns the bytes as a stream
   * @throws {CannotDoError} `attachment-not-held`; the message says how to have attachments stored
   */
  readonly content: () => Readable;
}

/** The length of a piece: a multiple of 4, so that pieces of base64 end at whole bytes. */
const PIECE = 64 * 1024;

/** Decodes base64 or base64url while it is read. */
export const streamOfBase64 = (text: string): Readable =>
  Readable.from(
    (function* pieces() {
      for (let at = 0; at < text.length; at += PIECE) yield Buffer.from(text.slice(at, at + PIECE), 'base64url');
    })(),
    { objectMode: false },
  );

export const streamOfBytes = (bytes: Uint8Array): Readable =>
  Readable.from(
    (function* pieces() {
      for (let at = 0; at < bytes.byteLength; at += PIECE) yield bytes.subarray(at, at + PIECE);
    })(),
    { objectMode: false },
  );
