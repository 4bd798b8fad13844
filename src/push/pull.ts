import { Duration, PubSub, type Message } from '@google-cloud/pubsub';

import type { Log } from '../log.ts';
import { notificationInData } from './notification.ts';
import type { Receiver } from './receiver.ts';

export interface PullOptions {
  /** `projects/P/subscriptions/S` */
  readonly subscription: string;
  readonly receiver: Receiver;
  readonly log: Log;
}

export interface Puller {
  /** Rejects when Pub/Sub refuses the subscription for good: it does not exist, or we may not read it. Never resolves before {@link Puller.close}. */
  readonly ended: Promise<void>;
  /** Takes no more messages, and ends once those under way are acknowledged, or after 8 seconds. */
  close(): Promise<void>;
}

/** Messages that this process holds at once: what Pub/Sub's client keeps within by itself. */
const MAX_MESSAGES = 500;
const DRAIN_SECONDS = 8;

/**
 * Receives notifications over a streaming pull, for those who serve no public endpoint. A message is acknowledged once Temporal has accepted
 * the signal; one that was not accepted is given back, and delivered again. One that is no notification is acknowledged too and counted: nothing
 * can be made of it later, and given back it would return at once, for ever.
 *
 * @see https://cloud.google.com/pubsub/docs/pull
 */
export function startPull({ subscription: name, receiver, log }: PullOptions): Puller {
  const [, projectId = ''] = name.split('/');
  const pubsub = new PubSub({ projectId });
  const subscription = pubsub.subscription(name, {
    flowControl: { maxMessages: MAX_MESSAGES, allowExcessMessages: false },
    closeOptions: { behavior: 'WAIT', timeout: Duration.from({ seconds: DRAIN_SECONDS }) },
  });
  const ended = Promise.withResolvers<void>();
  // Whoever never looks at it must not be ended by it.
  ended.promise.catch(() => undefined);
  subscription.on('message', (message: Message) => {
    void receive(receiver, message);
  });
  subscription.on('error', (error) => {
    log.error({ error }, 'Pub/Sub refuses the subscription');
    ended.reject(error);
  });
  return {
    ended: ended.promise,
    close: async () => {
      await subscription.close();
      await pubsub.close();
      ended.resolve();
    },
  };
}

async function receive(receiver: Receiver, message: Message): Promise<void> {
  const outcome = await receiver.receive(() => notificationInData(message.data));
  if (outcome === 'overloaded' || outcome === 'failed') message.nack();
  else message.ack();
}
