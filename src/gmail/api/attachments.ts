import PostalMime from 'postal-mime';
import { base64url } from '../../model/base64url.ts';
import { deepJson } from '../../model/deep-json.ts';
import { isObject, partsOf, separateParts, type JsonObject, type SeparatePart } from './message-parts.ts';

/** A FULL message resource whose attachments are to be put in where Gmail would have put them: into `data` of each part's body. */
export interface IncompleteMessage {
  readonly parts: readonly SeparatePart[];
  /** The resource as JSON, with the data of all {@link parts}, in their order; a part whose data is null stays without. */
  completed(data: readonly (string | null)[]): Uint8Array;
}

/** @param body - the resource as JSON */
export function incompleteMessage(body: Uint8Array): IncompleteMessage {
  const resource = resourceOf(body);
  const parts = separateParts(payloadOf(resource));
  return {
    parts,
    completed(data) {
      // The resource is this message's own copy.
      for (const [index, { part }] of parts.entries()) if (isObject(part['body']) && typeof data[index] === 'string') Object.assign(part['body'], { data: data[index] });
      return Buffer.from(deepJson(resource));
    },
  };
}

/**
 * Whether what `messages.attachments.get` answered can be the part's data: no data is an empty attachment only where the message names no byte of it. Only
 * emptiness is compared: Gmail's sizes are not always those of the data (https://github.com/googleapis/google-api-python-client/issues/510).
 *
 * @param data - base64url
 */
export function isDataOf({ part }: SeparatePart, data: string): boolean {
  return data !== '' || !(Number(sizeOf(part)) > 0);
}

const resourceOf = (body: Uint8Array): unknown => JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
const payloadOf = (resource: unknown): unknown => (isObject(resource) ? resource['payload'] : null);

/**
 * The data of separate parts that another body of the same message holds, as an earlier completion left it; null for each that it lacks. Parts are the same by
 * their place, type, name and size.
 *
 * @param held - the resource as JSON
 */
export function dataFromHeld(held: Uint8Array, parts: readonly SeparatePart[]): readonly (string | null)[] {
  const found = new Map<string, string>();
  for (const part of partsOf(payloadOf(resourceOf(held)))) {
    const { attachmentId, data } = isObject(part['body']) ? part['body'] : {};
    if (typeof attachmentId === 'string' && typeof data === 'string' && isDataOf({ part, attachmentId }, data)) found.set(placeOf(part), data);
  }
  return parts.map(({ part }) => found.get(placeOf(part)) ?? null);
}

const placeOf = (part: JsonObject): string => JSON.stringify([part['partId'], part['mimeType'], part['filename'], sizeOf(part)]);

/**
 * The data of separate parts, taken from the same message's RFC 822 bytes: one messages.get where attachments.get costs a call for each.
 * Only what leaves no doubt is taken: base64, whose bytes no mail program reads differently, and as many parts of a type and size in the one as in the other.
 *
 * @returns null when some part cannot be told for certain
 */
export async function dataFromRaw(raw: Uint8Array, parts: readonly SeparatePart[]): Promise<readonly string[] | null> {
  const found = new Map<string, Uint8Array[]>();
  const attachments = await attachmentsIn(raw).catch(() => null);
  // Mail that the parser refuses, nested some hundreds of levels deep.
  if (attachments === null) return null;
  for (const attachment of attachments) {
    const key = `${attachment.mimeType} ${attachment.content.byteLength}`;
    found.set(key, [...(found.get(key) ?? []), attachment.content]);
  }
  const keys = parts.map(({ part }) => keyOf(part));
  const certain = keys.every((key) => key !== null && found.get(key)?.length === keys.filter((other) => other === key).length);
  if (!certain) return null;
  // Both are in the order of the message, so equals pair up in turn.
  return keys.map((key) => base64url(found.get(key ?? '')?.shift() ?? new Uint8Array()));
}

function keyOf(part: JsonObject): string | null {
  const size = sizeOf(part);
  const encoding = headerOf(part, 'content-transfer-encoding');
  if (typeof part['mimeType'] !== 'string' || typeof size !== 'number' || encoding?.trim().toLowerCase() !== 'base64') return null;
  return `${part['mimeType'].toLowerCase()} ${size}`;
}

const sizeOf = ({ body }: JsonObject): unknown => (isObject(body) ? body['size'] : undefined);

function headerOf(part: JsonObject, name: string): string | null {
  const headers: readonly unknown[] = Array.isArray(part['headers']) ? part['headers'] : [];
  for (const header of headers) {
    if (!isObject(header) || typeof header['name'] !== 'string' || header['name'].toLowerCase() !== name) continue;
    return typeof header['value'] === 'string' ? header['value'] : null;
  }
  return null;
}

interface RawAttachment {
  readonly mimeType: string;
  readonly content: Uint8Array;
}

/** Attached messages count as they are, not as what they hold in turn. */
async function attachmentsIn(raw: Uint8Array): Promise<readonly RawAttachment[]> {
  const { attachments } = await PostalMime.parse(raw, { forceRfc822Attachments: true, attachmentEncoding: 'arraybuffer' });
  return attachments.map(({ mimeType, content }) => ({
    mimeType: mimeType.toLowerCase(),
    content: typeof content === 'string' ? Buffer.from(content, 'utf8') : new Uint8Array(content),
  }));
}
