import { randomUUID } from 'node:crypto';

import type { TestedWebhook, WebhookTest } from '../client/webhook-access.ts';
import { createWebhookSender } from '../deliveries/webhooks/send-webhook.ts';
import type { WebhookOutcome } from '../deliveries/webhooks/webhook-attempt.ts';
import { testBody } from '../deliveries/webhooks/webhook-payload.ts';
import { generateWebhookSecret, parseWebhookSecret, receiverKeyOf } from '../deliveries/webhooks/webhook-secret.ts';
import type { Clock } from '../model/clock.ts';
import { CannotDoError } from '../model/program-errors.ts';

/**
 * Sends one webhook of type `webhook.test`, once. Needs neither database nor Temporal server.
 *
 * @throws {CannotDoError} `webhook-refused` when it may not be sent there, `webhook-not-accepted` with the answer
 * @throws {InvalidWebhookSecretError} when the secret is not one
 */
export async function testWebhook(
  { clock, allowedNetworks }: { readonly clock: Clock; readonly allowedNetworks: readonly string[] },
  { url, secret: text, allowPrivate = false, signal = new AbortController().signal }: WebhookTest,
): Promise<TestedWebhook> {
  const secret = text === undefined ? generateWebhookSecret() : parseWebhookSecret(text);
  const sender = createWebhookSender({ clock, allowedNetworks });
  try {
    const timestamp = clock.now();
    const outcome = await sender.send(
      { url, secrets: [secret], allowPrivate },
      { id: `test_${randomUUID()}`, timestamp, body: testBody(timestamp), signal },
    );
    if (outcome.kind !== 'accepted') throw notAccepted(outcome);
    return { milliseconds: clock.now() - timestamp, receiverKey: receiverKeyOf(secret).reveal() };
  } finally {
    await sender.close();
  }
}

function notAccepted(outcome: Exclude<WebhookOutcome, { readonly kind: 'accepted' }>): CannotDoError {
  if (outcome.kind === 'refused') return new CannotDoError('webhook-refused', outcome.reason);
  const answer = outcome.answer === null ? '' : ` Its answer begins: ${outcome.answer}`;
  return new CannotDoError('webhook-not-accepted', `The webhook was not accepted: ${outcome.reason}.${answer}`);
}
