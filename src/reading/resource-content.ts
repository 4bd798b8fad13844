import { isUtf8 } from 'node:buffer';

import PostalMime, { type Email } from 'postal-mime';
import { isObject } from '../model/json-object.ts';
import type { MessageFormat } from '../model/settings.ts';
import { contentIdOf, isInline, isText, leavesOf, type LeafPart } from '../store/headers/attachment-parts.ts';
import { decodedText, fieldNamed, fieldsOfPart, resourceOf } from '../store/headers/header-field.ts';
import { streamOfBase64, type Attachment } from './attachment.ts';
import { NO_CONTENT, type MessageContent } from './message-content.ts';
import { decodedHeaders } from './decoded-headers.ts';
import { mimeOf, textsOf, type TextPart } from './plain-text.ts';

/** The content of a body in Gmail's JSON. */
export function resourceContent(
  format: MessageFormat,
  body: Uint8Array,
  notHeld: (name: string) => Error,
): MessageContent {
  const payload = resourceOf(body)?.['payload'];
  if (payload === undefined) return NO_CONTENT;
  const headers = (): ReturnType<MessageContent['headers']> => Promise.resolve(decodedHeaders(fieldsOfPart(payload)));
  if (format !== 'full') return { ...NO_CONTENT, headers };
  const leaves = leavesOf(payload);
  let parsing: Promise<Email> | null = null;
  const email = (): Promise<Email> => (parsing ??= PostalMime.parse(mimeOf(groupsOf(leaves))));
  return {
    ...textsOf(email),
    attachments: () =>
      Promise.resolve(leaves.filter((leaf) => !isText(leaf)).map((leaf) => toAttachment(leaf, notHeld))),
    headers,
  };
}

/** Texts of one `multipart/alternative` are one group; any other text is a group of its own. */
function groupsOf(leaves: readonly LeafPart[]): readonly (readonly TextPart[])[] {
  const groups = new Map<object, TextPart[]>();
  for (const leaf of leaves.filter(isText)) {
    const place = leaf.alternative ?? leaf.part;
    const group = groups.get(place) ?? [];
    groups.set(place, group);
    group.push(textPartOf(leaf));
  }
  return [...groups.values()];
}

/** Gmail converts text to UTF-8 and leaves the character set of the header as it was: the bytes decide. */
function textPartOf({ part, mimeType }: LeafPart): TextPart {
  const content = Buffer.from(dataOf(part) ?? '', 'base64url');
  const declared = fieldNamed(fieldsOfPart(part), 'content-type') ?? '';
  const parameters = declared.includes(';') ? declared.slice(declared.indexOf(';')) : '';
  // Of two parameters with one name, the first counts.
  return { contentType: `${mimeType}${isUtf8(content) ? '; charset=utf-8' : ''}${parameters}`, content };
}

function dataOf(part: LeafPart['part']): string | null {
  const { data } = isObject(part['body']) ? part['body'] : {};
  return typeof data === 'string' ? data : null;
}

function toAttachment(leaf: LeafPart, notHeld: (name: string) => Error): Attachment {
  const { part, mimeType, filename } = leaf;
  const data = dataOf(part);
  const { size, attachmentId } = isObject(part['body']) ? part['body'] : {};
  const name = filename === '' ? null : decodedText(filename);
  const isHeld = data !== null || attachmentId === undefined;
  return {
    name,
    type: mimeType,
    size:
      data !== null
        ? Buffer.byteLength(data, 'base64url')
        : typeof size === 'number' && Number.isSafeInteger(size) && size > 0
          ? size
          : 0,
    contentId: contentIdOf(part),
    isInline: isInline(leaf),
    isHeld,
    content: () => {
      if (!isHeld) throw notHeld(name ?? mimeType);
      return streamOfBase64(data ?? '');
    },
  };
}
