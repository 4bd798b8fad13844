import type { MessageFormat } from '../../model/settings.ts';
import { NO_HEADERS, type MessageHeaders } from '../rules/message-headers.ts';
import { readHeaders } from './read-headers.ts';

/**
 * Reads the headers of a stored body. Never fails: what cannot be read is null.
 *
 * @param body - null when the format holds none
 */
export async function describeBody(format: MessageFormat, body: Uint8Array | null): Promise<MessageHeaders> {
  if (body === null) return NO_HEADERS;
  // A parser that fails on one message must not keep it, or the rest of its batch, from being stored.
  return await readHeaders(format, body).catch(() => NO_HEADERS);
}
