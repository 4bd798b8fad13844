import type { Attachment } from './attachment.ts';
import { decodedHeaders, type DecodedHeaders } from './decoded-headers.ts';

/** What a body holds, decoded. */
export interface MessageContent {
  readonly text: () => Promise<string | null>;
  readonly html: () => Promise<string | null>;
  readonly attachments: () => Promise<readonly Attachment[]>;
  readonly headers: () => Promise<DecodedHeaders>;
}

/** What a message without a body, or with one that cannot be read, holds. */
export const NO_CONTENT: MessageContent = {
  text: () => Promise.resolve(null),
  html: () => Promise.resolve(null),
  attachments: () => Promise.resolve([]),
  headers: () => Promise.resolve(decodedHeaders([])),
};
