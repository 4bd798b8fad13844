import PostalMime, { decodeWords } from 'postal-mime';
import { hasTooManyLines } from '../../model/mime-lines.ts';
import { jsonOf } from '../../model/json-of.ts';
import { isObject, type JsonObject } from '../../model/json-object.ts';
import type { MessageFormat } from '../../model/settings.ts';

/** A header of a message, unfolded. */
export interface HeaderField {
  /** The name as the message spells it. */
  readonly name: string;
  /** Encoded words are not decoded: see {@link decodedText}. */
  readonly value: string;
}

/** A message's first empty line, where its headers end. */
const HEAD_END = /\r?\n\r?\n/;
/** No program writes longer headers, and Gmail accepts none. */
const LONGEST_HEAD = 2 * 1024 * 1024;

/**
 * The headers of a stored body, in their order.
 *
 * @returns an empty list for a body that cannot be read: a message with damaged content is still a message
 */
export async function headerFieldsOf(format: MessageFormat, body: Uint8Array): Promise<readonly HeaderField[]> {
  if (format === 'raw') return fieldsOfRaw(body);
  const resource = resourceOf(body);
  return resource === null ? [] : fieldsOfPart(resource['payload']);
}

/** Gmail's message resource; null when the bytes are no JSON object. */
export function resourceOf(body: Uint8Array): JsonObject | null {
  const json = jsonOf(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  return isObject(json) ? json : null;
}

/** The headers of a part of a message resource. */
export function fieldsOfPart(part: unknown): readonly HeaderField[] {
  const headers: readonly unknown[] = isObject(part) && Array.isArray(part['headers']) ? part['headers'] : [];
  return headers.flatMap((header) => {
    if (!isObject(header)) return [];
    const { name, value } = header;
    return typeof name === 'string' && typeof value === 'string' ? [{ name, value: unfolded(value) }] : [];
  });
}

async function fieldsOfRaw(raw: Uint8Array): Promise<readonly HeaderField[]> {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.byteLength, LONGEST_HEAD));
  const end = HEAD_END.exec(bytes.toString('latin1'))?.index ?? bytes.length;
  if (hasTooManyLines(bytes.subarray(0, end))) return [];
  const { headers } = await PostalMime.parse(Buffer.concat([bytes.subarray(0, end), Buffer.from('\r\n\r\n')]));
  return headers.map(({ originalKey, value }) => ({ name: originalKey, value: unfolded(value) }));
}

const unfolded = (value: string): string => value.replace(/\r?\n[ \t]*/g, ' ').trim();

/** The first header of that name; null when there is none, or it is empty. */
export function fieldNamed(fields: readonly HeaderField[], name: string): string | null {
  const found = fields.find((field) => field.name.toLowerCase() === name);
  return found === undefined || found.value === '' ? null : found.value;
}

/**
 * The text of a header without encoded words (RFC 2047). No database holds a NUL or half a surrogate pair in text, so
 * each becomes U+FFFD.
 */
export function decodedText(value: string): string {
  const text = value.includes('=?') ? decodeWords(value) : value;
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
