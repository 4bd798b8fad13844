import type { TextField } from '../query/query-tree.ts';
import { textWords } from '../query/text-words.ts';
import { textOfHtml } from './html-text.ts';
import { splitHeader } from './mime-header.ts';
import { headerValue, type Header, type MimePart } from './mime.ts';

/** The texts of a message in which a search looks, as words. A run of words never spans two texts. */
export type SearchedTexts = Readonly<Record<TextField, readonly (readonly string[])[]>>;

/** The headers in which each field looks. `to:` also finds who got a copy. */
const HEADERS = {
  from: ['from'],
  to: ['to', 'cc', 'bcc'],
  cc: ['cc'],
  bcc: ['bcc'],
  subject: ['subject'],
  deliveredto: ['delivered-to'],
  list: ['list-id', 'list-post', 'mailing-list'],
} as const satisfies Partial<Record<TextField, readonly string[]>>;

export function searchedTexts(root: MimePart): SearchedTexts {
  const of = (field: keyof typeof HEADERS): readonly (readonly string[])[] =>
    headersOf(root, field).map(({ value }) => textWords(value));
  const filename = filenames(root).map(textWords);
  const [from, to, subject] = [of('from'), of('to'), of('subject')];
  return {
    from,
    to,
    subject,
    filename,
    cc: of('cc'),
    bcc: of('bcc'),
    deliveredto: of('deliveredto'),
    list: of('list'),
    any: [...from, ...to, ...subject, ...filename, ...bodies(root).map(textWords)],
  };
}

/** The addresses in the headers of a field, in lower case; none where the field is no header of addresses. */
export function headerAddresses(root: MimePart, field: TextField): readonly string[] {
  return Object.hasOwn(HEADERS, field)
    ? headersOf(root, field as keyof typeof HEADERS).flatMap(({ value }) => addressesOf(value))
    : [];
}

function addressesOf(value: string): readonly string[] {
  // A name in quotes, or a comment, may hold what looks like an address.
  const plain = value.replace(/"(?:[^"\\]|\\.)*"/g, ' ').replace(/\([^()]*\)/g, ' ');
  return (plain.match(/[^\s<>(),:;"]+@[^\s<>(),:;"]+/g) ?? []).map((address) => address.toLowerCase());
}

function headersOf(root: MimePart, field: keyof typeof HEADERS): readonly Header[] {
  const names: readonly string[] = HEADERS[field];
  return root.headers.filter(({ name }) => names.includes(name.toLowerCase()));
}

/** Whether a part is an attachment: by its file name, by its disposition, or because it is a whole mail. */
export function isAttached(part: MimePart): boolean {
  const disposition = splitHeader(headerValue(part.headers, 'content-disposition') ?? '').value.toLowerCase();
  return part.filename !== '' || disposition === 'attachment' || part.mimeType === 'message/rfc822';
}

export function hasAttachment(root: MimePart): boolean {
  return root.parts.some((part) => isAttached(part) || hasAttachment(part)) || root.filename !== '';
}

function filenames(part: MimePart): readonly string[] {
  return [...(part.filename === '' ? [] : [part.filename]), ...part.parts.flatMap(filenames)];
}

/** The texts that a reader sees. Attached texts are not searched. */
function bodies(part: MimePart): readonly string[] {
  if (isAttached(part)) return [];
  const inner = part.parts.flatMap(bodies);
  if (part.mimeType === 'text/html') return [textOfHtml(part.body.toString('utf8')), ...inner];
  return part.mimeType === 'text/plain' && part.parts.length === 0 ? [part.body.toString('utf8')] : inner;
}
