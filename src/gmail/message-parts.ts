/** Parts of a message resource: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#MessagePart */

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (json: unknown): json is JsonObject => typeof json === 'object' && json !== null && !Array.isArray(json);

/** A part whose bytes are not in the resource: its body has an `attachmentId` instead of `data`. */
export interface SeparatePart {
  readonly part: JsonObject;
  readonly attachmentId: string;
}

/** The parts below `payload` (itself included) that Gmail keeps apart, in the order of the message. */
export function separateParts(payload: unknown): readonly SeparatePart[] {
  const found: SeparatePart[] = [];
  const waiting: unknown[] = [payload];
  while (waiting.length > 0) {
    const part = waiting.pop();
    if (!isObject(part)) continue;
    const attachmentId = isObject(part['body']) && part['body']['data'] === undefined ? part['body']['attachmentId'] : undefined;
    if (typeof attachmentId === 'string' && attachmentId !== '') found.push({ part, attachmentId });
    if (Array.isArray(part['parts'])) waiting.push(...part['parts'].toReversed());
  }
  return found;
}

export const countSeparateParts = (payload: unknown): number => separateParts(payload).length;
