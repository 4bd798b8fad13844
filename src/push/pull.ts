import { Duration, PubSub, type Message, type Subscription } from '@google-cloud/pubsub';

import type { Log } from '../host/log.ts';
import type { Clock } from '../model/clock.ts';
import { notificationInData } from './notification.ts';
import type { Receiver } from './receiver.ts';

export interface PullOptions {
  /** `projects/P/subscriptions/S` */
  readonly subscription: string;
  readonly receiver: Receiver;
  readonly log: Log;
  readonly clock: Clock;
}

export interface Puller {
  /**
   * Rejects when Pub/Sub refuses the subscription for good: it does not exist, or we may not read it. Never resolves
   * before {@link Puller.close}.
   */
  readonly ended: Promise<void>;
  /** Stops receiving, and resolves once the messages under way are acknowledged, or after 8 seconds. */
  close(): Promise<void>;
}

/** How many messages this process holds at once. Pub/Sub's client enforces this limit. */
const MAX_MESSAGES = 500;
const DRAIN_SECONDS = 8;

/** Milliseconds before a subscription is reopened. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
/**
 * Pub/Sub redelivers a returned message at once: without a pause, it would come back in a loop while Temporal is down.
 */
const GIVEN_BACK_AFTER = 5_000;

/**
 * gRPC status codes of errors that may pass by themselves. Pub/Sub's client retries some of them, but not when its
 * first connection fails. It never retries UNKNOWN or UNAUTHENTICATED, which Google sometimes answers to a valid token.
 *
 * @see https://grpc.io/docs/guides/status-codes/
 */
const PASSING: readonly unknown[] = [1, 2, 4, 8, 10, 13, 14, 16];

/**
 * Receives notifications over a streaming pull, for installations without a public endpoint. A message is acknowledged
 * once Temporal has accepted the signal. A message that was not accepted is given back after a few seconds and
 * delivered again. A message that is not a notification is acknowledged and counted, because it would be redelivered
 * forever.
 *
 * @see https://cloud.google.com/pubsub/docs/pull
 */
export function startPull({ subscription: name, receiver, log, clock }: PullOptions): Puller {
  const [, projectId = ''] = name.split('/');
  const pubsub = new PubSub({ projectId });
  const closed = new AbortController();
  const receive = async (message: Message): Promise<void> => {
    const outcome = await receiver.receive(() => notificationInData(message.data));
    if (outcome !== 'overloaded' && outcome !== 'failed') return message.ack();
    await clock.sleep(GIVEN_BACK_AFTER, closed.signal).catch(() => undefined);
    message.nack();
  };
  const open = (): { readonly subscription: Subscription; readonly failed: Promise<Error> } => {
    const subscription = pubsub.subscription(name, {
      flowControl: { maxMessages: MAX_MESSAGES, allowExcessMessages: false },
      closeOptions: { behavior: 'WAIT', timeout: Duration.from({ seconds: DRAIN_SECONDS }) },
    });
    const failed = new Promise<Error>((resolve) => subscription.on('error', resolve));
    subscription.on('message', (message: Message) => void receive(message));
    return { subscription, failed };
  };
  let current = open();

  const watch = async (): Promise<never> => {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      const openedAt = clock.now();
      const error = await current.failed;
      closed.signal.throwIfAborted();
      if (!('code' in error) || !PASSING.includes(error.code)) {
        log.error({ error }, 'Pub/Sub refuses the subscription');
        throw error;
      }
      if (clock.now() - openedAt > LONGEST_PAUSE) pause = FIRST_PAUSE;
      log.warn({ error, pauseMs: pause }, 'the subscription cannot be read now; it is opened again');
      await current.subscription.close();
      await clock.sleep(pause, closed.signal);
      current = open();
    }
  };
  const stopped = Promise.withResolvers<void>();
  const watching = watch().catch((error: unknown) => (closed.signal.aborted ? stopped.promise : Promise.reject(error)));
  const ended = Promise.race([stopped.promise, watching]);
  // Prevents an unhandled rejection when the caller ignores `ended`.
  ended.catch(() => undefined);
  return {
    ended,
    close: async () => {
      closed.abort(new Error('closed'));
      await current.subscription.close();
      await pubsub.close();
      stopped.resolve();
    },
  };
}
