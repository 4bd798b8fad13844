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

/** By message: its bytes never change, and a test asks for the same digests again and again. */
const digests = new WeakMap<SimulatedMessage, string>();

/**
 * Yields one message at a time, so that comparing a big mailbox needs little memory. What depends on a message's bytes
 * is made when it is read: they may be generated on each read, and most readers want only ids and labels.
 */
export function* truthOf(
  messages: Iterable<SimulatedMessage>,
  options: { includeSpamTrash?: boolean },
): Generator<TruthMessage> {
  const wanted = [...messages].filter(
    (message) => options.includeSpamTrash === true || !isSpamOrTrash(message.current.labelIds),
  );
  for (const message of wanted.sort((a, b) => (a.id < b.id ? -1 : 1))) {
    yield {
      id: message.id,
      threadId: message.threadId,
      labelIds: message.current.labelIds,
      historyId: message.current.historyId,
      internalDate: message.internalDate,
      get sizeEstimate() {
        return message.raw().length;
      },
      get raw() {
        return base64url(message.raw());
      },
      get sha256() {
        return digestOf(message);
      },
    };
  }
}

function digestOf(message: SimulatedMessage): string {
  const known = digests.get(message);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(message.raw()).digest('hex');
  digests.set(message, digest);
  return digest;
}

export function isSpamOrTrash(labelIds: readonly string[]): boolean {
  return labelIds.includes('SPAM') || labelIds.includes('TRASH');
}
