import { isUtf8 } from 'node:buffer';
import { decodeWords } from 'postal-mime';
import { parameter, splitHeader } from './mime-header.ts';

export interface Header {
  readonly name: string;
  readonly value: string;
}

/**
 * One node of a message's part tree. This is our own parser, because maintained libraries give a flat list of texts and
 * attachments, but Gmail gives a tree.
 */
export interface MimePart {
  readonly headers: readonly Header[];
  /** In lower case; `text/plain` when the part names no type. */
  readonly mimeType: string;
  /** Empty when the part has no file name. */
  readonly filename: string;
  /** Decoded (Content-Transfer-Encoding), with text in UTF-8; empty for a multipart. */
  readonly body: Buffer;
  readonly parts: readonly MimePart[];
}

/** Deeper than any mail program nests parts. A part beyond this depth is not parsed. */
const MAX_DEPTH = 40;

/** Parses RFC 822 bytes. Never throws: what cannot be parsed becomes the body. */
export function parseMime(raw: Buffer, depth = 0): MimePart {
  const { headers, bodyAt } = parseHeaders(raw);
  const content = raw.subarray(bodyAt);
  const type = splitHeader(headerValue(headers, 'content-type') ?? '');
  const mimeType = /^[^\s/;]+\/[^\s/;]+$/.test(type.value) ? type.value.toLowerCase() : 'text/plain';
  const disposition = splitHeader(headerValue(headers, 'content-disposition') ?? '');
  const filename = words(parameter(disposition, 'filename') ?? parameter(type, 'name') ?? '');
  const boundary = parameter(type, 'boundary');

  if (mimeType.startsWith('multipart/') && boundary !== null && boundary !== '' && depth < MAX_DEPTH) {
    const parts = splitParts(content, boundary).map((part) => parseMime(part, depth + 1));
    if (parts.length > 0) return { headers, mimeType, filename, body: Buffer.alloc(0), parts };
  }
  const body = decodeTransfer(content, headerValue(headers, 'content-transfer-encoding') ?? '');
  const parts = mimeType === 'message/rfc822' && depth < MAX_DEPTH ? [parseMime(body, depth + 1)] : [];
  const isText = mimeType.startsWith('text/');
  return { headers, mimeType, filename, body: isText ? toUtf8(body, parameter(type, 'charset')) : body, parts };
}

/** The first header of that name, unfolded and decoded. */
export function headerValue(headers: readonly Header[], name: string): string | null {
  const wanted = name.toLowerCase();
  return headers.find((header) => header.name.toLowerCase() === wanted)?.value ?? null;
}

const HEADER_LINE = /^([!-9;-~]+)[ \t]*:[ \t]*(.*)$/s;

/** Headers end at the first empty line, or at the first line that is not a header. The rest is the body. */
export function parseHeaders(raw: Buffer): { headers: Header[]; bodyAt: number } {
  const lines: string[] = [];
  let at = 0;
  while (at < raw.length) {
    const newline = raw.indexOf(10, at);
    const next = newline < 0 ? raw.length : newline + 1;
    const end = newline > at && raw[newline - 1] === 13 ? newline - 1 : newline < 0 ? raw.length : newline;
    if (end === at) {
      at = next;
      break;
    }
    const bytes = raw.subarray(at, end);
    const line = isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1');
    const continued = (line.startsWith(' ') || line.startsWith('\t')) && lines.length > 0;
    if (continued) lines[lines.length - 1] += ` ${line.trimStart()}`;
    else if (HEADER_LINE.test(line)) lines.push(line);
    else break;
    at = next;
  }
  const headers = lines.map((line) => {
    const [, name = '', value = ''] = HEADER_LINE.exec(line) ?? [];
    return { name, value: words(value.trimEnd()) };
  });
  return { headers, bodyAt: at };
}

function words(text: string): string {
  return text.includes('=?') ? decodeWords(text) : text;
}

/**
 * The bytes between the delimiter lines of a multipart. Without a last delimiter, the last part ends with the bytes.
 */
function splitParts(content: Buffer, boundary: string): Buffer[] {
  const delimiter = Buffer.from(`--${boundary}`, 'utf8');
  const parts: Buffer[] = [];
  let partAt = -1;
  for (let at = content.indexOf(delimiter); at >= 0; at = content.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && content[at - 1] !== 10) continue;
    const after = at + delimiter.length;
    const closes = content[after] === 45 && content[after + 1] === 45;
    const follower = content[after];
    if (!closes && follower !== undefined && ![9, 10, 13, 32].includes(follower)) continue;
    if (partAt >= 0) parts.push(content.subarray(partAt, Math.max(partAt, at - (content[at - 2] === 13 ? 2 : 1))));
    if (closes) return parts;
    const newline = content.indexOf(10, after);
    partAt = newline < 0 ? content.length : newline + 1;
  }
  if (partAt >= 0) parts.push(content.subarray(partAt));
  return parts;
}

function decodeTransfer(content: Buffer, encoding: string): Buffer {
  switch (encoding.trim().toLowerCase()) {
    case 'base64':
      return Buffer.from(content.toString('latin1'), 'base64');
    case 'quoted-printable':
      return decodeQuotedPrintable(content);
    default:
      return content;
  }
}

function decodeQuotedPrintable(content: Buffer): Buffer {
  const text = content.toString('latin1').replace(/[ \t]+(\r?\n|$)/g, '$1');
  const joined = text.replace(/=\r?\n/g, '');
  return Buffer.from(
    joined.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

function toUtf8(body: Buffer, charset: string | null): Buffer {
  if (charset === null || /^(utf-?8|us-ascii)$/i.test(charset)) return body;
  try {
    return Buffer.from(new TextDecoder(charset).decode(body), 'utf8');
  } catch {
    return body; // unknown charset: keep the bytes
  }
}
