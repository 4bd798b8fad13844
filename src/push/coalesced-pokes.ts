import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { MailboxNotification } from './notification.ts';

/** Tells a mailbox's workflow that something changed; resolves once Temporal has accepted it. */
export type Poke = (mailbox: MailboxId, historyId: HistoryId | null) => Promise<void>;

interface Waiting {
  readonly promise: Promise<void>;
  /** The historyId of the poke's only notification; null when the poke covers several notifications. */
  historyId: HistoryId | null;
}

/**
 * Reduces a burst of notifications for one mailbox to one poke under way and one that waits.
 *
 * A notification joins only a poke that has not been sent yet, and gets that poke's outcome. So a notification is
 * acknowledged only when Temporal accepted a signal after the notification arrived. When a poke fails, all its
 * notifications fail, and Pub/Sub delivers them again.
 */
export class CoalescedPokes {
  readonly #poke: Poke;
  readonly #underWay = new Map<MailboxId, Promise<void>>();
  readonly #waiting = new Map<MailboxId, Waiting>();

  constructor(poke: Poke) {
    this.#poke = poke;
  }

  /** Pokes under way, over all mailboxes. */
  get size(): number {
    return this.#underWay.size;
  }

  /** Resolves once Temporal has accepted a poke that was sent after this call; rejects when that poke fails. */
  notify({ mailbox, historyId }: MailboxNotification): Promise<void> {
    const waiting = this.#waiting.get(mailbox);
    if (waiting !== undefined) {
      waiting.historyId = null;
      return waiting.promise;
    }
    const underWay = this.#underWay.get(mailbox);
    if (underWay === undefined) return this.#send(mailbox, historyId);
    const next: Waiting = {
      historyId,
      promise: underWay.then(
        () => this.#sendWaiting(mailbox, next),
        () => this.#sendWaiting(mailbox, next),
      ),
    };
    this.#waiting.set(mailbox, next);
    return next.promise;
  }

  #sendWaiting(mailbox: MailboxId, waiting: Waiting): Promise<void> {
    this.#waiting.delete(mailbox);
    return this.#send(mailbox, waiting.historyId);
  }

  /** Deletes the entry of `#underWay` before waiting calls continue, so that the next poke can be sent. */
  #send(mailbox: MailboxId, historyId: HistoryId | null): Promise<void> {
    const poke = this.#poke(mailbox, historyId).finally(() => this.#underWay.delete(mailbox));
    this.#underWay.set(mailbox, poke);
    return poke;
  }
}
