import PostalMime, { type Attachment } from 'postal-mime';
import { isObject, type JsonObject } from '../../model/json-object.ts';
import { hasTooManyLines } from '../../model/mime-lines.ts';
import { fieldNamed, fieldsOfPart } from './header-field.ts';
import { withoutContent } from './raw-structure.ts';

/** A leaf of a message resource's part tree. */
export interface LeafPart {
  readonly part: JsonObject;
  readonly mimeType: string;
  readonly filename: string;
  /** The innermost `multipart/alternative` that contains it; null outside of one. */
  readonly alternative: JsonObject | null;
  /** True within a `multipart/related`. */
  readonly isRelated: boolean;
}

/**
 * The leaves of a part tree, in the order of the message. An attached message is a leaf: its parts are not those of the
 * message. Not recursive, since mail may be nested thousands of levels deep.
 */
export function leavesOf(payload: unknown): readonly LeafPart[] {
  const leaves: LeafPart[] = [];
  const waiting: { part: unknown; alternative: JsonObject | null; isRelated: boolean }[] = [
    { part: payload, alternative: null, isRelated: false },
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { part, alternative, isRelated } = next;
    if (!isObject(part)) continue;
    const mimeType = typeof part['mimeType'] === 'string' ? part['mimeType'].toLowerCase() : 'text/plain';
    if (!mimeType.startsWith('multipart/')) {
      const filename = typeof part['filename'] === 'string' ? part['filename'] : '';
      leaves.push({ part, mimeType, filename, alternative, isRelated });
      continue;
    }
    const parts: readonly unknown[] = Array.isArray(part['parts']) ? part['parts'] : [];
    for (const child of parts.toReversed())
      waiting.push({
        part: child,
        alternative: mimeType === 'multipart/alternative' ? part : alternative,
        isRelated: isRelated || mimeType === 'multipart/related',
      });
  }
  return leaves;
}

/** Whether a part belongs to the message's text. By Gmail's rule a part with a file name is an attachment. */
export function isText({ part, mimeType, filename }: LeafPart): boolean {
  if (filename !== '' || (mimeType !== 'text/plain' && mimeType !== 'text/html')) return false;
  return !dispositionOf(part).startsWith('attachment');
}

/** Whether a part is shown within the HTML that names it: an image of a signature, for example. */
export function isInline({ part, isRelated }: LeafPart): boolean {
  return contentIdOf(part) !== null && (isRelated || dispositionOf(part).startsWith('inline'));
}

export const contentIdOf = (part: JsonObject): string | null => fieldNamed(fieldsOfPart(part), 'content-id');

const dispositionOf = (part: JsonObject): string =>
  fieldNamed(fieldsOfPart(part), 'content-disposition')?.trim().toLowerCase() ?? '';

/** {@link isInline} for an attachment that the parser took out of a raw message. */
export const isInlineAttachment = ({ related, contentId, disposition }: Attachment): boolean =>
  contentId !== undefined && (related === true || disposition === 'inline');

/** Attached messages count as attachments, whatever they contain, as in {@link leavesOf}. */
export const RAW_OPTIONS = { forceRfc822Attachments: true, attachmentEncoding: 'arraybuffer' } as const;

/**
 * Whether a raw message has attachments that are not shown within its HTML. Its structure decides, so the content of
 * large parts is left out before it is parsed.
 *
 * @returns null when the message is nested too deep, or has too many lines, for the parser
 */
export async function rawHasAttachments(raw: Uint8Array, contentType: string | null): Promise<boolean | null> {
  if (contentType === null || /^\s*text\/(plain|html)\b/i.test(contentType)) return false;
  if (hasTooManyLines(raw)) return null;
  const email = await PostalMime.parse(withoutContent(raw), RAW_OPTIONS).catch(() => null);
  return email === null ? null : email.attachments.some((attachment) => !isInlineAttachment(attachment));
}
