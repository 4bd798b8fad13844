import type { RawSource } from './simulated-message.ts';

/** A message that arrives. */
export interface NewMail {
  /** RFC 822 bytes. A function is called on each read and must always return the same bytes. */
  readonly raw: Uint8Array | string | (() => Buffer);
  /** The labels that it arrives with, such as `INBOX` and `UNREAD`. Each must exist. */
  readonly labelIds: readonly string[];
  /** The thread to join, created when unknown; a new thread when not given. */
  readonly threadId?: string | undefined;
  /** Epoch ms; the current time when not given. */
  readonly internalDate?: number | undefined;
}

export function sourceOf(raw: NewMail['raw']): RawSource {
  if (typeof raw === 'function') return raw;
  return typeof raw === 'string' ? Buffer.from(raw, 'utf8') : Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
}
