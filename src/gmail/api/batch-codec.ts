/**
 * The multipart/mixed codec of Gmail's batch requests: one HTTP request around many.
 * https://developers.google.com/workspace/gmail/api/guides/batch
 */

export interface BatchPart {
  /** The status of this part. The status of the whole answer says only that Gmail read the batch. */
  readonly status: number;
  /** The bytes of the part's body: a view into the whole answer, not a copy. */
  readonly body: Buffer;
}

const ID_PREFIX = 'part-';

/**
 * @param paths - path and query of each GET, in order
 * @param boundary - text that occurs in none of the paths
 */
export function encodeBatch(
  paths: readonly string[],
  boundary: string,
): { readonly contentType: string; readonly body: string } {
  const parts = paths.map(
    (path, index) =>
      `--${boundary}\r\nContent-Type: application/http\r\nContent-ID: <${ID_PREFIX}${index}>\r\n\r\n` +
      `GET ${path} HTTP/1.1\r\n\r\n\r\n`,
  );
  return { contentType: `multipart/mixed; boundary=${boundary}`, body: `${parts.join('')}--${boundary}--\r\n` };
}

/**
 * Reads the answer to a batch of `count` requests.
 *
 * Parts are matched to requests only by Content-ID, never by position. A part that is missing, cut off, unreadable or
 * named twice is null. Its request then has no answer, which costs another call; a wrong match would store one message
 * under another's id.
 *
 * @returns the parts in the order of the requests; null when the whole answer is not multipart
 */
export function decodeBatch(contentType: string, body: Buffer, count: number): readonly (BatchPart | null)[] | null {
  const boundary = boundaryOf(contentType);
  if (boundary === null) return null;
  const parts: (BatchPart | null)[] = Array.from({ length: count }, () => null);
  const seen = new Set<number>();
  for (const [start, end] of sections(body, Buffer.from(`--${boundary}`, 'latin1'))) {
    const head = blankLine(body, start, end);
    if (head === null) continue;
    const index = indexOf(headerOf(body.toString('latin1', start, head.end), 'content-id'));
    if (index === null || index >= count) continue;
    parts[index] = seen.has(index) ? null : httpResponse(body, head.next, end);
    seen.add(index);
  }
  return parts;
}

function boundaryOf(contentType: string): string | null {
  if (!/^\s*multipart\//i.test(contentType)) return null;
  const found = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType);
  return found?.[1] ?? found?.[2] ?? null;
}

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;

/**
 * The sections between delimiter lines. Bytes after the last delimiter are not a section: they belong to a part that
 * was cut off.
 */
function* sections(body: Buffer, delimiter: Buffer): Generator<readonly [start: number, end: number]> {
  let start: number | null = null;
  for (let at = body.indexOf(delimiter); at !== -1; at = body.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && body[at - 1] !== LF) continue;
    const after = at + delimiter.length;
    const closing = body[after] === DASH && body[after + 1] === DASH;
    const lineEnd = closing ? after : endOfDelimiterLine(body, after);
    if (lineEnd === null) continue;
    if (start !== null) yield [start, beforeLineBreak(body, start, at)];
    if (closing) return;
    start = lineEnd;
  }
}

/** Where the line after a delimiter begins; null when the delimiter is only the beginning of a longer word. */
function endOfDelimiterLine(body: Buffer, from: number): number | null {
  for (let at = from; at < body.length; at++) {
    const byte = body[at];
    if (byte === LF) return at + 1;
    if (byte !== CR && byte !== 0x20 && byte !== 0x09) return null;
  }
  return body.length;
}

/** The line break before a delimiter belongs to the delimiter. */
function beforeLineBreak(body: Buffer, start: number, at: number): number {
  let end = at;
  if (end > start && body[end - 1] === LF) end--;
  if (end > start && body[end - 1] === CR) end--;
  return end;
}

/** The blank line that ends a block of headers: where the headers end, and where what follows begins. */
function blankLine(body: Buffer, start: number, limit: number): { readonly end: number; readonly next: number } | null {
  let line = start;
  while (line < limit) {
    const feed = body.indexOf(LF, line);
    if (feed === -1 || feed >= limit) return null;
    if (feed === line || (feed === line + 1 && body[line] === CR)) return { end: line, next: feed + 1 };
    line = feed + 1;
  }
  return null;
}

function headerOf(headers: string, name: string): string | null {
  for (const line of headers.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return null;
}

function indexOf(contentId: string | null): number | null {
  const found = contentId === null ? null : /^<?response-part-(0|[1-9]\d{0,3})>?$/.exec(contentId);
  return found === null ? null : Number(found[1]);
}

function httpResponse(body: Buffer, start: number, end: number): BatchPart | null {
  const lineEnd = body.indexOf(LF, start);
  const statusLine = body.toString('latin1', start, lineEnd === -1 || lineEnd > end ? end : lineEnd);
  const status = /^HTTP\/\d(?:\.\d)? (\d{3})(?:\s|$)/.exec(statusLine)?.[1];
  if (status === undefined) return null;
  const head = blankLine(body, start, end);
  // A part without body may end right after its headers.
  return { status: Number(status), body: body.subarray(head === null ? end : head.next, end) };
}
