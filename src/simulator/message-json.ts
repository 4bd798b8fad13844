import { invalidArgument } from './api-error.ts';
import type { SimulatedMessage, Version } from './simulated-message.ts';
import { parseMessage, payloadOf, selectHeaders, type ParsedMessage } from './payload.ts';
import { base64url } from '../model/base64url.ts';

export const FORMATS = ['full', 'metadata', 'minimal', 'raw'] as const;
export type Format = (typeof FORMATS)[number];

interface Rendered {
  readonly parsed: ParsedMessage;
  /** JSON of the fields that never change, by format. */
  full: string | null;
  raw: string | null;
  readonly bytes: number;
}

/** @throws {ApiError} 400 */
export function formatOf(text: string | null): Format {
  if (text === null) return 'full';
  const format = FORMATS.find((name) => name === text.toLowerCase());
  if (format === undefined)
    throw invalidArgument(`Invalid value at 'format' (type.googleapis.com/google.gmail.v1.Format), "${text}"`);
  return format;
}

/**
 * Renders messages as JSON text. A message's bytes never change, so everything except its labels and historyId is
 * rendered once and cached. The least recently used message leaves the cache first.
 */
export class MessageJson {
  readonly #cache = new Map<SimulatedMessage, Rendered>();
  readonly #capacity: number;
  #size = 0;

  constructor(capacityBytes = 96 * 2 ** 20) {
    this.#capacity = capacityBytes;
  }

  parsed(message: SimulatedMessage): ParsedMessage {
    return this.#rendered(message).parsed;
  }

  /** @param metadataHeaders for the metadata format; all headers when empty */
  render(message: SimulatedMessage, version: Version, format: Format, metadataHeaders: readonly string[] = []): string {
    const rendered = this.#rendered(message);
    const { parsed } = rendered;
    const head = `{"id":"${message.id}","threadId":"${message.threadId}"${
      version.labelIds.length > 0 ? `,"labelIds":${JSON.stringify(version.labelIds)}` : ''
    },"snippet":${JSON.stringify(parsed.snippet)}`;
    const tail =
      `,"sizeEstimate":${parsed.sizeEstimate},"historyId":"${version.historyId}"` +
      `,"internalDate":"${message.internalDate}"}`;
    switch (format) {
      case 'minimal':
        return head + tail;
      case 'metadata':
        return `${head},"payload":${JSON.stringify({
          mimeType: parsed.root.mimeType,
          headers: selectHeaders(parsed.root, metadataHeaders),
        })}${tail}`;
      case 'full':
        rendered.full ??= `,"payload":${JSON.stringify(payloadOf(message.id, parsed.root))}`;
        return head + rendered.full + tail;
      case 'raw':
        rendered.raw ??= `,"raw":"${base64url(message.raw())}"`;
        return head + rendered.raw + tail;
    }
  }

  /** A chat in the raw format: with whole, missing or truncated bytes. */
  renderChat(message: SimulatedMessage, version: Version, raw: 'whole' | 'missing' | 'cut'): string {
    const whole = this.render(message, version, raw === 'missing' ? 'minimal' : 'raw');
    if (raw !== 'cut') return whole;
    const bytes = message.raw();
    return whole.replace(base64url(bytes), base64url(bytes.subarray(0, bytes.length >> 1)));
  }

  #rendered(message: SimulatedMessage): Rendered {
    const cached = this.#cache.get(message);
    if (cached !== undefined) {
      this.#cache.delete(message);
      this.#cache.set(message, cached);
      return cached;
    }
    const raw = message.raw();
    // Parsed parts are views of the bytes. Each of the two renderings is a third longer than the bytes.
    const rendered: Rendered = { parsed: parseMessage(raw), full: null, raw: null, bytes: 1_000 + raw.length * 4 };
    this.#cache.set(message, rendered);
    this.#size += rendered.bytes;
    for (const [oldest, { bytes }] of this.#cache) {
      if (this.#size <= this.#capacity || oldest === message) break;
      this.#cache.delete(oldest);
      this.#size -= bytes;
    }
    return rendered;
  }
}
