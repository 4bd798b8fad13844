import type { MessageId } from './ids.ts';

export type LostReason = 'missing' | 'damaged';

/** A message whose body is missing or damaged. */
export interface LostBody {
  readonly messageId: MessageId;
  readonly reason: LostReason;
  /** The place, for a person. */
  readonly url: string;
  /** The object that the row named when it was read; null for a body inside the database. */
  readonly objectKey: number | null;
}
