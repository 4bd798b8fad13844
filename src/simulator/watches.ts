import { ApiError, invalidArgument } from './api-error.ts';
import type { SimulatedMailbox } from './mailbox.ts';

/** What Gmail publishes to the topic: https://developers.google.com/workspace/gmail/api/guides/push */
export interface Notification {
  readonly topicName: string;
  readonly emailAddress: string;
  readonly historyId: string;
}

interface Watch {
  readonly topicName: string;
  readonly expiration: number;
  lastSent: number;
}

const SEVEN_DAYS_MS = 7 * 86_400_000;
/** Gmail sends one event a second and user at most, and drops the rest. */
const SPACING_MS = 1_000;

/** users.watch and users.stop, and the notifications between them. */
export class Watches {
  readonly #watches = new Map<string, Watch>();
  readonly #listeners = new Set<(notification: Notification) => void>();

  /** @throws {ApiError} 400 for a wrong topic, or while another topic is watched */
  watch(mailbox: SimulatedMailbox, topicName: string | null, now: number): object {
    if (topicName === null || !/^projects\/[^/]+\/topics\/[^/]+$/.test(topicName)) {
      throw invalidArgument('Invalid topicName does not match projects/{project}/topics/*');
    }
    const before = this.#watches.get(mailbox.email);
    if (before !== undefined && before.expiration > now && before.topicName !== topicName) {
      throw new ApiError(400, 'failedPrecondition', 'Only one user push notification client allowed per developer (call /stop then try again)');
    }
    const expiration = now + SEVEN_DAYS_MS;
    this.#watches.set(mailbox.email, { topicName, expiration, lastSent: Number.NEGATIVE_INFINITY });
    return { historyId: mailbox.historyId, expiration: String(expiration) };
  }

  stop(mailbox: SimulatedMailbox): void {
    this.#watches.delete(mailbox.email);
  }

  /** Calls `listener` for each notification; answers a function that ends it. */
  listen(listener: (notification: Notification) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A record was made: whoever watches hears the new head, even while history lags behind it. */
  notify(mailbox: SimulatedMailbox, now: number): void {
    const watch = this.#watches.get(mailbox.email);
    if (watch === undefined || now >= watch.expiration || now - watch.lastSent < SPACING_MS) return;
    watch.lastSent = now;
    for (const listener of this.#listeners) listener({ topicName: watch.topicName, emailAddress: mailbox.email, historyId: mailbox.historyId });
  }
}
