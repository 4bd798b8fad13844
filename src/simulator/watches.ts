import type { Clock } from '../model/clock.ts';
import { ApiError, invalidArgument } from './api-error.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';
import type { Random } from './random.ts';

/** A notification that Gmail publishes to the topic: https://developers.google.com/workspace/gmail/api/guides/push */
export interface Notification {
  /** The topic that the watch named: `projects/P/topics/T`. */
  readonly topicName: string;
  /** The account's address. */
  readonly emailAddress: string;
  /** The mailbox's `historyId` as of the change. */
  readonly historyId: string;
}

interface SimulatedWatch {
  readonly topicName: string;
  /** Empty for every change. */
  readonly labelIds: readonly string[];
  readonly expiration: number;
  lastSent: number;
}

const SEVEN_DAYS_MS = 7 * 86_400_000;
/** Gmail sends at most one event per second and user, and drops the others. */
const SPACING_MS = 1_000;

/** How notifications are delivered. */
export interface Delivery {
  /** Each notification is delayed by a random part of this. */
  delayMs: number;
  /** The probability that a notification is lost. */
  lossProbability: number;
  /** Whether a call of watch sends a notification of its own. */
  announcesWatches: boolean;
}

/** users.watch and users.stop, and the notifications between them. */
export class Watches {
  readonly delivery: Delivery = { delayMs: 0, lossProbability: 0, announcesWatches: false };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #watches = new Map<string, SimulatedWatch>();
  readonly #listeners = new Set<(notification: Notification) => void>();

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** @throws {ApiError} 400 for a wrong topic, or while another topic is watched */
  watch(
    mailbox: SimulatedMailbox,
    { topicName, labelIds }: { topicName: string | null; labelIds: readonly string[] },
  ): object {
    if (topicName === null || !/^projects\/[^/]+\/topics\/[^/]+$/.test(topicName)) {
      throw invalidArgument('Invalid topicName does not match projects/{project}/topics/*');
    }
    const now = this.#clock.now();
    const before = this.#watches.get(mailbox.email);
    if (before !== undefined && before.expiration > now && before.topicName !== topicName) {
      throw new ApiError(
        400,
        'failedPrecondition',
        'Only one user push notification client allowed per developer (call /stop then try again)',
      );
    }
    const expiration = now + SEVEN_DAYS_MS;
    this.#watches.set(mailbox.email, {
      topicName,
      labelIds,
      expiration,
      lastSent: before?.lastSent ?? Number.NEGATIVE_INFINITY,
    });
    if (this.delivery.announcesWatches)
      this.#publish({ topicName, emailAddress: mailbox.email, historyId: mailbox.historyId });
    return { historyId: mailbox.historyId, expiration: String(expiration) };
  }

  stop(mailbox: SimulatedMailbox): void {
    this.#watches.delete(mailbox.email);
  }

  /** Moves the account's watch to its new address, which notifications then name. */
  rename(from: string, to: string): void {
    const watch = this.#watches.get(from);
    if (this.#watches.delete(from) && watch !== undefined) this.#watches.set(to, watch);
  }

  /** Epoch ms when the mailbox's watch ends; null when there is none. */
  expirationOf(email: string): number | null {
    return this.#watches.get(email)?.expiration ?? null;
  }

  /** Calls `listener` for each notification. @returns a function that removes the listener */
  listen(listener: (notification: Notification) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Called for each new history record. Notifies the mailbox's watch of the new head, even while history lags behind
   * it.
   *
   * @param labelIds - labels of the changed messages, including labels that were added or removed
   */
  notify(mailbox: SimulatedMailbox, labelIds: ReadonlySet<string>): void {
    const now = this.#clock.now();
    const watch = this.#watches.get(mailbox.email);
    if (watch === undefined || now >= watch.expiration || now - watch.lastSent < SPACING_MS) return;
    if (watch.labelIds.length > 0 && !watch.labelIds.some((id) => labelIds.has(id))) return;
    watch.lastSent = now;
    this.#publish({ topicName: watch.topicName, emailAddress: mailbox.email, historyId: mailbox.historyId });
  }

  #publish(notification: Notification): void {
    if (this.#random.chance(this.delivery.lossProbability)) return;
    const tell = (): void => {
      for (const listener of this.#listeners) listener(notification);
    };
    if (this.delivery.delayMs === 0) tell();
    else void this.#clock.sleep(this.#random.int(this.delivery.delayMs + 1)).then(tell);
  }
}
