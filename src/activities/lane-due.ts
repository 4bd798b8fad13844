import type { MailboxId } from '../model/ids.ts';
import type { Lane } from '../model/lane.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';

interface LaneDue {
  readonly mailbox: MailboxId;
  readonly lane: Lane;
  /** A time from before the lane's work was last read: what came due after it has perhaps not been done. */
  readonly since: number;
  readonly now: number;
}

/** When a lane has work: now while rows are due, otherwise at its next attempt or refresh; null when it has none. */
export async function laneDueAt(store: FetchingStore, { mailbox, lane, since, now }: LaneDue): Promise<number | null> {
  const [due] = await store.nextPending({ mailbox, lane, limit: 1, now });
  return due === undefined ? await store.nextAttemptAt({ mailbox, lane, now: since }) : now;
}
