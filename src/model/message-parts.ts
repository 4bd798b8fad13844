import { isObject, type JsonObject } from './json-object.ts';

/**
 * Parts of a message resource:
 * https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#MessagePart
 */

/** A part whose bytes are not in the resource: its body has an `attachmentId` instead of `data`. */
export interface SeparatePart {
  readonly part: JsonObject;
  readonly attachmentId: string;
}

/** `payload` and all parts below it, in the order of the message. */
export function partsOf(payload: unknown): readonly JsonObject[] {
  const found: JsonObject[] = [];
  const waiting: unknown[] = [payload];
  while (waiting.length > 0) {
    const part = waiting.pop();
    if (!isObject(part)) continue;
    found.push(part);
    // Not spread: a call takes some 100,000 arguments, and a message may have more parts.
    if (Array.isArray(part['parts'])) for (const nested of part['parts'].toReversed()) waiting.push(nested);
  }
  return found;
}

/** The parts of `payload` whose bytes Gmail keeps apart from the message. */
export const separateParts = (payload: unknown): readonly SeparatePart[] =>
  partsOf(payload).flatMap((part) => {
    const attachmentId =
      isObject(part['body']) && part['body']['data'] === undefined ? part['body']['attachmentId'] : undefined;
    return typeof attachmentId === 'string' && attachmentId !== '' ? [{ part, attachmentId }] : [];
  });

/**
 * Whether a payload is a well-formed tree of parts, of any depth. Everything that is read from a FULL message later is
 * read through its parts.
 */
export function isPartTree(payload: unknown): boolean {
  const waiting: unknown[] = [payload];
  while (waiting.length > 0) {
    const part = waiting.pop();
    if (!isObject(part)) return false;
    const { body, parts } = part;
    if (body !== undefined && body !== null && !isBody(body)) return false;
    if (parts === undefined || parts === null) continue;
    if (!Array.isArray(parts)) return false;
    for (const nested of parts as readonly unknown[]) waiting.push(nested);
  }
  return true;
}

function isBody(body: unknown): boolean {
  if (!isObject(body)) return false;
  const { data, attachmentId } = body;
  return (
    (data === undefined || data === null || typeof data === 'string') &&
    (attachmentId === undefined || attachmentId === null || typeof attachmentId === 'string')
  );
}

export const countSeparateParts = (payload: unknown): number => separateParts(payload).length;
