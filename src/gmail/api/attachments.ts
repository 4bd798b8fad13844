import PostalMime from 'postal-mime';
import { hasTooManyLines } from '../../model/mime-lines.ts';
import { base64url } from '../../model/base64url.ts';
import { deepJson } from '../../model/deep-json.ts';
import { isObject, type JsonObject } from '../../model/json-object.ts';
import { partsOf, separateParts, type SeparatePart } from '../../model/message-parts.ts';

/**
 * A FULL message resource without its attachments. Each attachment belongs in the `data` of its part's body, where
 * Gmail puts small parts.
 */
export interface IncompleteMessage {
  readonly parts: readonly SeparatePart[];
  /**
   * The resource as JSON with the data of all {@link parts}, in their order. A part whose data is null stays without
   * data.
   */
  completed(data: readonly (string | null)[]): Uint8Array;
}

/** @param body - the resource as JSON */
export function incompleteMessage(body: Uint8Array): IncompleteMessage {
  const resource = resourceOf(body);
  const parts = separateParts(payloadOf(resource));
  return {
    parts,
    completed(data) {
      // The resource was parsed for this message only, so it may be changed.
      for (const [index, { part }] of parts.entries())
        if (isObject(part['body']) && typeof data[index] === 'string')
          Object.assign(part['body'], { data: data[index] });
      return Buffer.from(deepJson(resource));
    },
  };
}

/**
 * Whether an answer of `messages.attachments.get` can be the part's data. Empty data is right only if the part's size
 * is 0. Sizes are not compared otherwise, since Gmail's are not always those of the data
 * (https://github.com/googleapis/google-api-python-client/issues/510).
 *
 * @param data - base64url
 */
export function isDataOf({ part }: SeparatePart, data: string): boolean {
  return data !== '' || !(Number(sizeOf(part)) > 0);
}

const resourceOf = (body: Uint8Array): unknown =>
  JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
const payloadOf = (resource: unknown): unknown => (isObject(resource) ? resource['payload'] : null);

/**
 * The data of separate parts that another body of the same message holds after an earlier completion; null for each
 * part that it lacks. Parts are matched by place, type, name and size.
 *
 * @param held - the resource as JSON
 */
export function dataFromHeld(held: Uint8Array, parts: readonly SeparatePart[]): readonly (string | null)[] {
  const found = new Map<string, string>();
  for (const part of partsOf(payloadOf(resourceOf(held)))) {
    const { attachmentId, data } = isObject(part['body']) ? part['body'] : {};
    if (typeof attachmentId === 'string' && typeof data === 'string' && isDataOf({ part, attachmentId }, data))
      found.set(placeOf(part), data);
  }
  return parts.map(({ part }) => found.get(placeOf(part)) ?? null);
}

const placeOf = (part: JsonObject): string =>
  JSON.stringify([part['partId'], part['mimeType'], part['filename'], sizeOf(part)]);

/**
 * Takes the data of separate parts from the same message's RFC 822 bytes: one messages.get instead of an
 * attachments.get for each part. Only certain matches count: the part is base64, which every program decodes alike, and
 * both forms have the same number of parts of its type and size.
 *
 * @returns null when any part cannot be matched with certainty
 */
export async function dataFromRaw(raw: Uint8Array, parts: readonly SeparatePart[]): Promise<readonly string[] | null> {
  const found = new Map<string, Uint8Array[]>();
  const attachments = await attachmentsIn(raw).catch(() => null);
  // The parser refuses mail that is nested some hundreds of levels deep.
  if (attachments === null) return null;
  for (const attachment of attachments) {
    const key = `${attachment.mimeType} ${attachment.content.byteLength}`;
    found.set(key, [...(found.get(key) ?? []), attachment.content]);
  }
  const keys = parts.map(({ part }) => keyOf(part));
  const certain = keys.every(
    (key) => key !== null && found.get(key)?.length === keys.filter((other) => other === key).length,
  );
  if (!certain) return null;
  // Both forms keep the message's order, so equal parts are paired in turn.
  return keys.map((key) => base64url(found.get(key ?? '')?.shift() ?? new Uint8Array()));
}

function keyOf(part: JsonObject): string | null {
  const size = sizeOf(part);
  const encoding = headerOf(part, 'content-transfer-encoding');
  if (typeof part['mimeType'] !== 'string' || typeof size !== 'number' || encoding?.trim().toLowerCase() !== 'base64')
    return null;
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

/**
 * The attachments of a message. An attached message counts as one attachment, whatever it contains. A message with too
 * many lines for the parser yields none.
 */
async function attachmentsIn(raw: Uint8Array): Promise<readonly RawAttachment[]> {
  if (hasTooManyLines(raw)) return [];
  const { attachments } = await PostalMime.parse(raw, {
    forceRfc822Attachments: true,
    attachmentEncoding: 'arraybuffer',
  });
  return attachments.map(({ mimeType, content }) => ({
    mimeType: mimeType.toLowerCase(),
    content: typeof content === 'string' ? Buffer.from(content, 'utf8') : new Uint8Array(content),
  }));
}
