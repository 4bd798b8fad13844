import type { HistoryId, MailboxId } from '../model/ids.ts';
import type { Notification } from './notification.ts';

/** Tells a mailbox's workflow that something changed; resolves once Temporal has accepted it. */
export type Poke = (mailbox: MailboxId, historyId: HistoryId | null) => Promise<void>;

interface Waiting {
  readonly promise: Promise<void>;
  /** The historyId of the only notification that the poke covers; null when it covers several. */
  historyId: HistoryId | null;
}

/**
 * A storm of notifications for one mailbox becomes one poke under way and one after it.
 *
 * A notification joins only a poke that has not been sent yet, and is answered with that poke's outcome: so what is
 * acknowledged is covered by a signal that Temporal accepted after the notification came. When a poke fails, those that
 * it covered fail with it, and Pub/Sub delivers them again.
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

  /** Resolves once a poke that was sent after this call was accepted; rejects as that poke does. */
  notify({ mailbox, historyId }: Notification): Promise<void> {
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

  /** The entry is deleted before waiting calls continue, so that the next poke can take its place. */
  #send(mailbox: MailboxId, historyId: HistoryId | null): Promise<void> {
    const poke = this.#poke(mailbox, historyId).finally(() => this.#underWay.delete(mailbox));
    this.#underWay.set(mailbox, poke);
    return poke;
  }
}
