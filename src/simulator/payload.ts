import { headerValue, parseMime, type Header, type MimePart } from './mime.ts';
import { base64url } from '../model/base64url.ts';

/** https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#MessagePart */
export interface Payload {
  readonly partId: string;
  readonly mimeType: string;
  readonly filename: string;
  readonly headers: readonly Header[];
  readonly body: { readonly attachmentId?: string; readonly size: number; readonly data?: string };
  readonly parts?: readonly Payload[];
}

export interface ParsedMessage {
  readonly root: MimePart;
  readonly snippet: string;
  readonly sizeEstimate: number;
}

export function parseMessage(raw: Buffer): ParsedMessage {
  const root = parseMime(raw);
  return { root, snippet: snippetOf(root), sizeEstimate: raw.length };
}

export function payloadOf(messageId: string, part: MimePart, partId = ''): Payload {
  const children = part.parts.map((child, i) =>
    payloadOf(messageId, child, partId === '' ? String(i) : `${partId}.${i}`),
  );
  return {
    partId,
    mimeType: part.mimeType,
    filename: part.filename,
    headers: part.headers,
    body: bodyOf(messageId, part, partId),
    ...(children.length > 0 ? { parts: children } : {}),
  };
}

function bodyOf(messageId: string, part: MimePart, partId: string): Payload['body'] {
  if (part.body.length === 0) return { size: 0 };
  if (isAttachment(part)) return { attachmentId: attachmentId(messageId, partId), size: part.body.length };
  return { size: part.body.length, data: base64url(part.body) };
}

/** A part with a file name, or a part that is not text, is available only through attachments.get. */
function isAttachment(part: MimePart): boolean {
  return part.filename !== '' || !part.mimeType.startsWith('text/');
}

function attachmentId(messageId: string, partId: string): string {
  return `ANGjdJ${Buffer.from(`${messageId}/${partId}`).toString('base64url')}`;
}

/** The bytes of the attachment with that id, or null when the message does not have it. */
export function attachmentOf(messageId: string, id: string, root: MimePart): Buffer | null {
  const find = (part: MimePart, partId: string): Buffer | null => {
    if (isAttachment(part) && part.body.length > 0 && attachmentId(messageId, partId) === id) return part.body;
    for (const [i, child] of part.parts.entries()) {
      const found = find(child, partId === '' ? String(i) : `${partId}.${i}`);
      if (found !== null) return found;
    }
    return null;
  };
  return find(root, '');
}

/** Taken from the plain text, else from HTML without its tags; escaped like Gmail's snippet. */
function snippetOf(root: MimePart): string {
  const leaf = firstText(root, 'text/plain') ?? firstText(root, 'text/html');
  if (leaf === null) return '';
  const head = leaf.body.subarray(0, leaf.mimeType === 'text/html' ? 8_000 : 1_000).toString('utf8');
  const plain =
    leaf.mimeType === 'text/html'
      ? head.replace(/<(style|script|head)\b.*?<\/\1>/gis, ' ').replace(/<[^>]*>?/g, ' ')
      : head;
  const text = plain.replace(/\s+/g, ' ').trim().slice(0, 200).trimEnd();
  if (leaf.mimeType === 'text/html') return text;
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}

function firstText(part: MimePart, mimeType: string): MimePart | null {
  if (part.filename === '' && part.mimeType === mimeType && part.body.length > 0) return part;
  for (const child of part.parts) {
    const found = firstText(child, mimeType);
    if (found !== null) return found;
  }
  return null;
}

/** The named headers, in the message's order; all headers when `names` is empty. */
export function selectHeaders(root: MimePart, names: readonly string[]): readonly Header[] {
  if (names.length === 0) return root.headers;
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return root.headers.filter((header) => wanted.has(header.name.toLowerCase()));
}

export const subjectOf = (root: MimePart): string => headerValue(root.headers, 'subject') ?? '';
