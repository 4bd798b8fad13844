import { isObject } from '../../model/json-object.ts';
import type { MessageFormat } from '../../model/settings.ts';
import { storedDate } from '../engines/safe-integer.ts';
import { NO_HEADERS, type MessageHeaders } from '../rules/message-headers.ts';
import { isInline, isText, leavesOf, rawHasAttachments, type LeafPart } from './attachment-parts.ts';
import { decodedText, fieldNamed, fieldsOfPart, headerFieldsOf, resourceOf, type HeaderField } from './header-field.ts';
import { addressesIn } from './mail-addresses.ts';

/**
 * Reads the headers of a body with the mail parser.
 *
 * @throws what the parser throws
 */
export async function readHeaders(format: MessageFormat, body: Uint8Array): Promise<MessageHeaders> {
  if (format === 'raw') {
    const fields = await headerFieldsOf(format, body);
    return { ...headersOf(fields), hasAttachments: await rawHasAttachments(body, fieldNamed(fields, 'content-type')) };
  }
  const payload = resourceOf(body)?.['payload'];
  if (payload === undefined) return NO_HEADERS;
  return {
    ...headersOf(fieldsOfPart(payload)),
    hasAttachments: format === 'full' ? leavesOf(payload).some(isAttachment) : null,
  };
}

const isAttachment = (leaf: LeafPart): boolean => !isText(leaf) && !isInline(leaf) && hasContent(leaf);

/** Gmail shows a message without any content as one empty part. */
function hasContent({ part, filename }: LeafPart): boolean {
  const { data, attachmentId } = isObject(part['body']) ? part['body'] : {};
  return [filename, data, attachmentId].some((text) => typeof text === 'string' && text !== '');
}

function headersOf(fields: readonly HeaderField[]): Omit<MessageHeaders, 'hasAttachments'> {
  const text = (name: string): string | null => {
    const value = fieldNamed(fields, name);
    return value === null ? null : decodedText(value);
  };
  return {
    subject: text('subject'),
    from: addressesIn(fields, 'from')[0] ?? null,
    to: addressesIn(fields, 'to'),
    cc: addressesIn(fields, 'cc'),
    bcc: addressesIn(fields, 'bcc'),
    sentAt: dateOf(fieldNamed(fields, 'date')),
    rfc822Id: text('message-id'),
  };
}

/** A time without a zone is read as UTC, not as the zone of this machine. */
function dateOf(text: string | null): number | null {
  if (text === null) return null;
  const bare = text.replace(/\([^()]*\)/g, ' ').trim();
  const at = Date.parse(/([+-]\d{2}:?\d{2}|[A-Za-z]{1,5})$/.test(bare) ? bare : `${bare} UTC`);
  return Number.isNaN(at) ? null : storedDate(at);
}
