import type { MailboxId } from '../model/ids.ts';

declare const brand: unique symbol;

/** Names the keys that sign the webhooks of a subscription. */
export type WebhookSecretsId = string & { readonly [brand]: 'WebhookSecretsId' };

/** Whose secret a record holds: a mailbox's credentials, or the keys of a subscription's webhooks. */
export type SecretOwner = MailboxId | WebhookSecretsId;

/** The space keeps it apart from every mailbox's address. */
export const WEBHOOK_SECRETS = 'webhook secrets of ';

export const webhookSecretsOf = (subscription: string): WebhookSecretsId =>
  `${WEBHOOK_SECRETS}${subscription}` as WebhookSecretsId;

/** The subscription whose webhooks a record signs; null when it holds the credentials of a mailbox. */
export const subscriptionOf = (owner: SecretOwner): string | null =>
  owner.startsWith(WEBHOOK_SECRETS) ? owner.slice(WEBHOOK_SECRETS.length) : null;

/** For messages: "The credentials of ada@example.com", and what replaces a record that does not open. */
export function wordsOf(owner: SecretOwner): { readonly what: string; readonly remedy: string } {
  const subscription = subscriptionOf(owner);
  return subscription === null
    ? {
        what: `The credentials of ${owner}`,
        remedy: `connect the mailbox again: tidemark connect ${owner} --credentials FILE`,
      }
    : {
        what: `The webhook secrets of the subscription ${subscription}`,
        remedy: 'end the subscription, and make it again with secrets that its receiver knows',
      };
}
