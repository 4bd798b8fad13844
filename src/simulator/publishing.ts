import type { Clock } from '../model/clock.ts';
import type { GoogleSigner } from './google-signer.ts';
import type { Simulator } from './simulator.ts';
import type { Notification } from './watches.ts';

/** A push subscription to the simulator's notifications. */
export interface PushSubscription {
  /** Where notifications are posted. */
  readonly endpoint: string;
  /** The audience of the tokens that requests carry. */
  readonly audience: string;
  /** The service account that the tokens name. */
  readonly serviceAccount: string;
}

/** Milliseconds: the pause before the first retry, the longest pause, and how long a message is retried. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;
const RETENTION = 10 * 60_000;
/** https://cloud.google.com/pubsub/docs/push#receive_push */
const ACKNOWLEDGED = new Set([102, 200, 201, 202, 204]);

/**
 * Delivers the simulator's notifications to a push endpoint as Pub/Sub does: in an envelope, with a signed token, and
 * repeatedly until acknowledged.
 *
 * @returns a function that stops the delivery; notifications that are not acknowledged by then are lost
 */
export function publishToEndpoint({
  simulator,
  signer,
  subscription,
}: {
  simulator: Simulator;
  signer: GoogleSigner;
  subscription: PushSubscription;
}): () => void {
  const { clock } = simulator;
  const ended = new AbortController();
  let published = 0;
  const unlisten = simulator.onNotification((notification) => {
    published += 1;
    const body = JSON.stringify({
      message: {
        data: dataOf(notification),
        messageId: String(published),
        publishTime: new Date(clock.now()).toISOString(),
      },
      subscription: notification.topicName.replace('/topics/', '/subscriptions/'),
    });
    const post = async (): Promise<boolean> => {
      const authorization = `Bearer ${await signer.identityToken(subscription)}`;
      const response = await fetch(subscription.endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body,
        signal: ended.signal,
      });
      await response.arrayBuffer();
      return ACKNOWLEDGED.has(response.status);
    };
    // The promise rejects once the delivery is stopped; nobody waits for it.
    void untilAcknowledged(post, clock, ended.signal).catch(() => undefined);
  });
  return () => {
    unlisten();
    ended.abort();
  };
}

/**
 * Publishes the simulator's notifications to the Pub/Sub emulator, whose topics must exist.
 *
 * @param host - `PUBSUB_EMULATOR_HOST`
 * @returns a function that stops publishing
 * @see https://cloud.google.com/pubsub/docs/emulator
 */
export function publishToEmulator({ simulator, host }: { simulator: Simulator; host: string }): () => void {
  const ended = new AbortController();
  const unlisten = simulator.onNotification((notification) => {
    const body = JSON.stringify({ messages: [{ data: dataOf(notification) }] });
    const post = async (): Promise<boolean> => {
      const response = await fetch(`http://${host}/v1/${notification.topicName}:publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: ended.signal,
      });
      await response.arrayBuffer();
      return response.ok;
    };
    void untilAcknowledged(post, simulator.clock, ended.signal).catch(() => undefined);
  });
  return () => {
    unlisten();
    ended.abort();
  };
}

async function untilAcknowledged(post: () => Promise<boolean>, clock: Clock, signal: AbortSignal): Promise<void> {
  const until = clock.now() + RETENTION;
  for (let pause = FIRST_PAUSE; clock.now() < until; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    if (await post().catch(() => false)) return;
    await clock.sleep(pause, signal);
  }
}

/** Gmail's documentation shows the id as a number, but beyond 2^53 only a string is exact. */
function dataOf({ emailAddress, historyId }: Notification): string {
  return Buffer.from(JSON.stringify({ emailAddress, historyId })).toString('base64');
}
