import { invalidArgument } from './api-error.ts';
import type { ApiAnswer, ApiCall } from './http.ts';
import { parseHeaders } from './mime.ts';
import { contentTypeOf } from './odd-answers.ts';

export interface RequestPart {
  readonly contentId: string | null;
  readonly call: ApiCall;
}

/** https://developers.google.com/workspace/gmail/api/guides/batch */
export const MOST_IN_BATCH = 100;

/**
 * Splits a multipart/mixed batch into its calls.
 * @throws {ApiError} 400 when the call is not a batch, or holds more than {@link MOST_IN_BATCH} calls
 */
export function parseBatch(outer: ApiCall): RequestPart[] {
  const boundary = /^multipart\/mixed\b.*?;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(outer.contentType);
  const delimiter = boundary?.[1] ?? boundary?.[2];
  if (delimiter === undefined)
    throw invalidArgument(
      'Failed to parse batch request, error: missing boundary in Content-Type. Received batch body: ',
    );
  const text = typeof outer.body === 'string' ? outer.body : outer.body.toString('utf8');
  const pieces = `\r\n${text}`.split(`\n--${delimiter}`).slice(1);
  const closing = pieces.findIndex((piece) => piece.startsWith('--'));
  const parts = closing < 0 ? pieces : pieces.slice(0, closing);
  if (parts.length === 0) throw invalidArgument('Failed to parse batch request, error: 0 items. Received batch body: ');
  if (parts.length > MOST_IN_BATCH) throw invalidArgument('Inner request count exceeds the limit');
  return parts.map((part) => parsePart(part.replace(/^[ \t]*\r?\n/, ''), outer));
}

function parsePart(part: string, outer: ApiCall): RequestPart {
  const partHeaders = new Headers(part);
  const request = new Headers(partHeaders.rest, true);
  const [httpMethod = '', target = ''] = request.firstLine.split(' ');
  if (httpMethod === '' || target === '')
    throw invalidArgument('Failed to parse batch request, error: malformed request line. Received batch body: ');
  let url: URL;
  try {
    url = new URL(target, outer.url);
  } catch {
    throw invalidArgument('Failed to parse batch request, error: malformed request URL. Received batch body: ');
  }
  return {
    contentId: partHeaders.get('content-id'),
    call: {
      httpMethod: httpMethod.toUpperCase(),
      url,
      authorization: request.get('authorization') ?? outer.authorization,
      contentType: request.get('content-type') ?? '',
      body: request.rest.trimEnd(),
    },
  };
}

/** A block of headers and the text after it. */
class Headers {
  readonly firstLine: string;
  readonly rest: string;
  readonly #headers: ReturnType<typeof parseHeaders>['headers'];

  constructor(text: string, hasRequestLine = false) {
    const bytes = Buffer.from(text, 'utf8');
    const lineEnd = hasRequestLine ? bytes.indexOf(10) : -1;
    const headerAt = hasRequestLine ? (lineEnd < 0 ? bytes.length : lineEnd + 1) : 0;
    this.firstLine = hasRequestLine ? bytes.subarray(0, headerAt).toString('utf8').trim() : '';
    const { headers, bodyAt } = parseHeaders(bytes.subarray(headerAt));
    this.#headers = headers;
    this.rest = bytes.subarray(headerAt + bodyAt).toString('utf8');
  }

  get(name: string): string | null {
    return this.#headers.find((header) => header.name.toLowerCase() === name)?.value ?? null;
  }
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  410: 'Gone',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export function renderBatch(
  answers: readonly { contentId: string | null; answer: ApiAnswer }[],
  boundary: string,
): { contentType: string; body: Buffer } {
  const parts = answers.map(({ contentId, answer }) => {
    const id = contentId === null ? '' : `Content-ID: ${responseId(contentId)}\r\n`;
    const type = contentTypeOf(answer);
    const content = type === null ? '' : `Content-Type: ${type}\r\n`;
    return (
      `--${boundary}\r\nContent-Type: application/http\r\n${id}\r\n` +
      `HTTP/1.1 ${answer.status} ${STATUS_TEXT[answer.status] ?? 'Status'}\r\n` +
      `${content}Vary: Origin\r\n\r\n${answer.json}\r\n`
    );
  });
  return {
    contentType: `multipart/mixed; boundary=${boundary}`,
    body: Buffer.from(`${parts.join('')}--${boundary}--\r\n`, 'utf8'),
  };
}

/** The answer to `<item-1>` is `<response-item-1>`. */
function responseId(contentId: string): string {
  return contentId.startsWith('<') ? `<response-${contentId.slice(1)}` : `response-${contentId}`;
}
