import { createHash } from 'node:crypto';
import { base64url } from '../model/base64url.ts';
import type { SimulatedMessage } from './simulated-message.ts';

/** A message as it really is: what an exact mirror must hold once the mailbox is quiet. */
export interface TruthMessage {
  readonly id: string;
  readonly threadId: string;
  /** Sorted. */
  readonly labelIds: readonly string[];
  readonly historyId: string;
  /** Epoch ms. */
  readonly internalDate: number;
  readonly sizeEstimate: number;
  /** The RFC 822 bytes, base64url with padding as Gmail's `raw`. */
  readonly raw: string;
  /** The bytes' digest in hexadecimal. */
  readonly sha256: string;
}

/** Yields one message at a time, so that comparing a big mailbox needs little memory. */
export function* truthOf(
  messages: Iterable<SimulatedMessage>,
  options: { includeSpamTrash?: boolean },
): Generator<TruthMessage> {
  const wanted = [...messages].filter(
    (message) => options.includeSpamTrash === true || !isSpamOrTrash(message.current.labelIds),
  );
  for (const message of wanted.sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const raw = message.raw();
    yield {
      id: message.id,
      threadId: message.threadId,
      labelIds: message.current.labelIds,
      historyId: message.current.historyId,
      internalDate: message.internalDate,
      sizeEstimate: raw.length,
      raw: base64url(raw),
      sha256: createHash('sha256').update(raw).digest('hex'),
    };
  }
}

export function isSpamOrTrash(labelIds: readonly string[]): boolean {
  return labelIds.includes('SPAM') || labelIds.includes('TRASH');
}
