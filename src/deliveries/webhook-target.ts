import type { Change } from '../model/change.ts';
import type { WebhookTarget } from '../model/subscription.ts';
import type { BegunDelivery } from '../store/subscriptions/delivery-store.ts';
import type { Delivering, DeliveryTarget, TakenDelivery, TargetMeans, TargetOf } from './delivery-target.ts';
import { payloadOfChanged, type ReadFields } from './webhooks/payload-of-change.ts';
import { fieldsOfMessage } from './webhooks/read-fields.ts';
import type { WebhookSender } from './webhooks/send-webhook.ts';
import type { OpenedSecrets } from './webhooks/stored-secrets.ts';
import type { WebhookOutcome } from './webhooks/webhook-attempt.ts';
import { bodyOf, payloadOfEvent, payloadsThatFit, type SinglePayload } from './webhooks/webhook-payload.ts';

export interface WebhookMeans extends TargetMeans {
  readonly sender: WebhookSender;
  /** The keys of a subscription. */
  readonly secretsOf: (subscription: string) => Promise<OpenedSecrets>;
}

/** The webhooks of subscriptions as targets. */
export function webhookTargets(means: WebhookMeans): TargetOf {
  return (delivering) => {
    const { target } = delivering.subscription;
    return target.kind === 'webhook' ? webhookTarget(means, delivering, target) : null;
  };
}

function webhookTarget(means: WebhookMeans, delivering: Delivering, target: WebhookTarget): DeliveryTarget {
  const { mailbox } = delivering;
  const read: ReadFields = async (change, fields) => {
    const message = await means.reader.mailbox(mailbox).message(change.messageId);
    return message === null ? null : fieldsOfMessage(message, fields);
  };
  const payloadOf = (change: Change): Promise<SinglePayload> => payloadOfChanged(change, target, read);
  // Payloads that were made to see what fits, and are sent a moment later.
  const made = new Map<number, SinglePayload>();
  async function* make(changes: readonly Change[]): AsyncGenerator<SinglePayload> {
    for (const change of changes) {
      const payload = await payloadOf(change);
      made.set(change.sequence, payload);
      yield payload;
    }
  }
  return {
    fitting: (changes) => {
      made.clear();
      return payloadsThatFit(make(changes));
    },
    take: async (delivery) => {
      if (delivery.event !== null)
        return send(means, delivering, { target, delivery, body: bodyOf(mailbox, [payloadOfEvent(delivery.event)]) });
      const [first, ...others] = delivery.changes;
      const payload = async (change: Change): Promise<SinglePayload> => made.get(change.sequence) ?? payloadOf(change);
      const payloads: [SinglePayload, ...SinglePayload[]] = [await payload(first)];
      for (const change of others) payloads.push(await payload(change));
      return send(means, delivering, { target, delivery, body: bodyOf(mailbox, payloads) });
    },
  };
}

async function send(
  { store, clock, sender, secretsOf }: WebhookMeans,
  { mailbox, subscription: { name }, signal }: Delivering,
  {
    target: { url, allowPrivate },
    delivery: { id },
    body,
  }: { readonly target: WebhookTarget; readonly delivery: BegunDelivery; readonly body: Uint8Array },
): Promise<TakenDelivery> {
  const opened = await secretsOf(name);
  if (opened.kind === 'unusable') return { kind: 'failed', reason: opened.reason, asked: null, remedy: opened.remedy };
  const outcome = await sender.send(
    { url, allowPrivate, secrets: opened.secrets },
    { id, timestamp: clock.now(), body, signal },
  );
  switch (outcome.kind) {
    case 'accepted':
      await store.acceptDelivery({ mailbox, subscription: name, id, now: clock.now() });
      return { kind: 'accepted' };
    case 'ended':
      // Other mailboxes that are sending now see the end with their next delivery.
      await store.endSubscription({ name, reason: outcome.reason, now: clock.now() });
      return { kind: 'ended' };
    case 'retry':
      return { kind: 'failed', reason: reasonOf(outcome), asked: outcome.notBefore };
    case 'refused':
      return {
        kind: 'failed',
        reason: outcome.reason,
        asked: null,
        remedy: { kind: 'change-webhook', subscription: name },
      };
  }
}

function reasonOf({ reason, answer }: Extract<WebhookOutcome, { kind: 'retry' }>): string {
  return answer === null ? reason : `${reason}: ${answer}`;
}
