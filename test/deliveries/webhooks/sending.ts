import { afterEach } from 'vitest';

import { createWebhookSender, type WebhookSenderOptions } from '../../../src/deliveries/webhooks/send-webhook.ts';
import type { WebhookOutcome, WebhookAddress } from '../../../src/deliveries/webhooks/webhook-attempt.ts';
import { generateWebhookSecret } from '../../../src/deliveries/webhooks/webhook-secret.ts';
import { systemClock } from '../../../src/host/system-clock.ts';
import { Receiver } from '../../fixtures/host/webhook-receiver.ts';

export const secret = generateWebhookSecret();

export interface Sending {
  /** Sends one webhook to a URL, to public addresses only unless the target allows more. */
  readonly send: (url: string, target?: Partial<WebhookAddress>, signal?: AbortSignal) => Promise<WebhookOutcome>;
  readonly receiver: (options?: Parameters<typeof Receiver.open>[0]) => Promise<Receiver>;
  readonly sender: (options?: Partial<WebhookSenderOptions>) => Sending['send'];
}

/** Senders and receivers of one test, closed after it. */
export function useSending(): Pick<Sending, 'receiver' | 'sender'> {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  return {
    receiver: async (options) => {
      const receiver = await Receiver.open(options);
      open.push(receiver);
      return receiver;
    },
    sender: (options) => {
      const sender = createWebhookSender({ clock: systemClock, ...options });
      // Receivers close first: a sender waits for what they have not answered.
      open.push(sender);
      return (url, target, signal = new AbortController().signal) =>
        sender.send(
          { url, secrets: [secret], allowPrivate: false, ...target },
          { id: 'dlv_1', timestamp: Date.now(), body: Buffer.from('{"type":"webhook.test"}'), signal },
        );
    },
  };
}
