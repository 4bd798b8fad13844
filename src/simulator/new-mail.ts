import type { RawSource } from './message.ts';

export interface NewMail {
  /** RFC 822 bytes. A function is called on each reading and must answer the same bytes each time. */
  readonly raw: Uint8Array | string | (() => Buffer);
  readonly labelIds: readonly string[];
  /** The thread to join (made when unknown); its own new thread when not given. */
  readonly threadId?: string | undefined;
  /** Epoch ms; the clock's now when not given. */
  readonly internalDate?: number | undefined;
}

export function sourceOf(raw: NewMail['raw']): RawSource {
  if (typeof raw === 'function') return raw;
  return typeof raw === 'string' ? Buffer.from(raw, 'utf8') : Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
}
