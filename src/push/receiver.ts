import { MailboxNotRunningError } from '../client/errors.ts';
import type { Log } from '../host/log.ts';
import { CoalescedPokes, type Poke } from './coalesced-pokes.ts';
import { MalformedNotificationError, type MailboxNotification } from './notification.ts';

export const NOTIFICATION_OUTCOMES = [
  'accepted',
  'unknown-mailbox',
  'unauthorized',
  'malformed',
  'too-large',
  'overloaded',
  'failed',
] as const;
/**
 * The outcome of a delivery. `accepted`: Temporal accepted the signal. `unknown-mailbox`: the mailbox does not run
 * here; the delivery is acknowledged, because Pub/Sub would repeat it forever. `unauthorized`, `malformed`,
 * `too-large`: the delivery was refused. `overloaded`, `failed` (Temporal or Google's keys are unavailable): it is to
 * be delivered again.
 */
export type NotificationOutcome = (typeof NOTIFICATION_OUTCOMES)[number];

export interface ReceiverOptions {
  readonly poke: Poke;
  readonly count: (outcome: NotificationOutcome) => void;
  readonly log: Log;
}

/** Limit on mailboxes with a poke under way. Beyond it, Temporal is slower than the notifications arrive. */
const MAX_UNDER_WAY = 1_000;

/** Handles a notification for the endpoint and the pull subscriber, and returns its outcome. Never throws. */
export class Receiver {
  readonly #pokes: CoalescedPokes;
  readonly #count: (outcome: NotificationOutcome) => void;
  readonly #log: Log;

  constructor({ poke, count, log }: ReceiverOptions) {
    this.#pokes = new CoalescedPokes(poke);
    this.#count = count;
    this.#log = log;
  }

  /** @param read - parses the delivery; may throw {@link MalformedNotificationError} */
  async receive(read: () => MailboxNotification): Promise<NotificationOutcome> {
    return this.note(await this.#outcomeOf(read));
  }

  /** Counts the outcome of a delivery, also when it was refused before it was read. */
  note(outcome: NotificationOutcome): NotificationOutcome {
    this.#count(outcome);
    return outcome;
  }

  async #outcomeOf(read: () => MailboxNotification): Promise<NotificationOutcome> {
    try {
      const notification = read();
      if (this.#pokes.size >= MAX_UNDER_WAY) return 'overloaded';
      await this.#pokes.notify(notification);
      return 'accepted';
    } catch (error) {
      if (error instanceof MailboxNotRunningError) {
        this.#log.info({ mailbox: error.mailbox }, 'a notification for a mailbox that does not run here: acknowledged');
        return 'unknown-mailbox';
      }
      if (error instanceof MalformedNotificationError) {
        this.#log.warn({ reason: error.message }, 'a delivery that is no notification of Gmail');
        return 'malformed';
      }
      this.#log.error({ error }, 'a notification was not accepted; Pub/Sub delivers it again');
      return 'failed';
    }
  }
}
