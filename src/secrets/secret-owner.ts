import type { MailboxId } from '../model/ids.ts';
import type { TidemarkErrorOptions } from '../model/tidemark-error.ts';

declare const brand: unique symbol;

/** Names the secrets that sign the webhooks of a subscription. */
export type WebhookSecretsId = string & { readonly [brand]: 'WebhookSecretsId' };

/** Whose secret a record holds: a mailbox's credentials, or the secrets of a subscription's webhooks. */
export type SecretOwner = MailboxId | WebhookSecretsId;

/** The spaces keep such a name apart from every mailbox's address. */
export const WEBHOOK_SECRETS = 'webhook secrets of ';

export const webhookSecretsOf = (subscription: string): WebhookSecretsId =>
  `${WEBHOOK_SECRETS}${subscription}` as WebhookSecretsId;

/** The subscription whose webhook secrets the owner names; null when the owner is a mailbox. */
export const subscriptionOf = (owner: SecretOwner): string | null =>
  owner.startsWith(WEBHOOK_SECRETS) ? owner.slice(WEBHOOK_SECRETS.length) : null;

const isMailbox = (owner: SecretOwner): owner is MailboxId => subscriptionOf(owner) === null;

/** For errors: "The credentials of ada@example.com", and what replaces a record that does not open. */
export function wordsOf(owner: SecretOwner): {
  readonly what: string;
  readonly replace: string;
  readonly options: TidemarkErrorOptions;
} {
  return isMailbox(owner)
    ? {
        what: `The credentials of ${owner}`,
        replace: 'connect the mailbox again',
        options: { mailbox: owner, remedy: { kind: 'connect', mailbox: owner } },
      }
    : {
        what: `The webhook secrets of the subscription ${subscriptionOf(owner) ?? owner}`,
        replace: 'have new ones made, and tell its receiver',
        options: { remedy: { kind: 'new-webhook-secret', subscription: subscriptionOf(owner) ?? owner } },
      };
}
