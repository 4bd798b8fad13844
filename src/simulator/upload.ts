import { jsonOf } from '../model/json-of.ts';
import { invalidArgument } from './api-error.ts';
import type { ApiCall } from './http.ts';
import { parseMime } from './mime.ts';
import { CallBody, isFields } from './route.ts';

/**
 * Reads a call's body: JSON, or an uploaded message with or without JSON.
 * https://developers.google.com/workspace/gmail/api/guides/uploads
 * @throws {ApiError} 400
 */
export function readCallBody(call: ApiCall, isUpload: boolean): CallBody {
  const bytes = typeof call.body === 'string' ? Buffer.from(call.body, 'utf8') : call.body;
  if (bytes.length === 0) return new CallBody({}, null);
  if (!isUpload) return new CallBody(fieldsOf(bytes), null);
  if (!call.contentType.toLowerCase().startsWith('multipart/related')) return new CallBody({}, bytes);

  const head = Buffer.from(`Content-Type: ${call.contentType}\r\n\r\n`, 'latin1');
  const [metadata, media] = parseMime(Buffer.concat([head, bytes]), LEAVE_INNER).parts;
  if (metadata === undefined || media === undefined) throw invalidArgument('Failed to parse multipart upload');
  return new CallBody(metadata.body.length === 0 ? {} : fieldsOf(metadata.body), media.body);
}

/** The parser's depth at which it splits only the upload's own multipart, and leaves the mail inside as bytes. */
const LEAVE_INNER = 39;

function fieldsOf(bytes: Buffer): Record<string, unknown> {
  const value = jsonOf(bytes);
  if (!isFields(value)) throw invalidArgument('Invalid JSON payload received.');
  return value;
}
