import PostalMime, { type Attachment as RawAttachment, type Email } from 'postal-mime';
import { hasTooManyLines } from '../model/mime-lines.ts';
import type { MessageFormat } from '../model/settings.ts';
import { isInlineAttachment, RAW_OPTIONS } from '../store/headers/attachment-parts.ts';
import { headerFieldsOf } from '../store/headers/header-field.ts';
import { streamOfBytes, type Attachment } from './attachment.ts';
import type { MessageContent } from './message-content.ts';
import { decodedHeaders } from './decoded-headers.ts';
import { resourceContent } from './resource-content.ts';
import { textsOf } from './plain-text.ts';

/** A stored body as {@link MessageContent}. Each part is decoded when it is asked for. */
export function contentOf(format: MessageFormat, body: Uint8Array, notHeld: (name: string) => Error): MessageContent {
  return format === 'raw' ? rawContent(body) : resourceContent(format, body, notHeld);
}

function rawContent(body: Uint8Array): MessageContent {
  let parsing: Promise<Email> | null = null;
  const email = (): Promise<Email> => (parsing ??= parsed(body));
  return {
    ...textsOf(email),
    attachments: async () => (await email()).attachments.map(toAttachment),
    headers: async () => decodedHeaders(await headerFieldsOf('raw', body)),
  };
}

/**
 * The parser refuses mail that is nested hundreds of levels deep, and is not given mail with too many lines. In both
 * cases the text is the message as it came.
 */
async function parsed(body: Uint8Array): Promise<Email> {
  if (hasTooManyLines(body)) return asItCame(body);
  return await PostalMime.parse(body, RAW_OPTIONS).catch(() => asItCame(body));
}

function asItCame(body: Uint8Array): Email {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  return { headers: [], headerLines: [], attachments: [], text };
}

function toAttachment(attachment: RawAttachment): Attachment {
  const { filename, mimeType, contentId, content } = attachment;
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : new Uint8Array(content);
  return {
    name: filename,
    type: mimeType.toLowerCase(),
    size: bytes.byteLength,
    contentId: contentId ?? null,
    isInline: isInlineAttachment(attachment),
    isHeld: true,
    content: () => streamOfBytes(bytes),
  };
}
