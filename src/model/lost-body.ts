import type { MessageId } from './ids.ts';

/** Why a body cannot be read: it is not there, or it is not what was stored. */
export type LostReason = 'missing' | 'damaged';

/** A message whose body is missing or damaged. */
export interface LostBody {
  /** Gmail's id of the message. */
  readonly messageId: MessageId;
  /** What is wrong with the body. */
  readonly reason: LostReason;
  /** The place, for a person. */
  readonly url: string;
  /** The object that the row named when it was read; null for a body inside the database. */
  readonly objectKey: number | null;
}
