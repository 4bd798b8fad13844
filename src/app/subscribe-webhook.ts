import type { SubscribedWebhook, WebhookAccess, WebhookSubscription } from '../client/webhook-access.ts';
import { checkLink, InvalidLinkError } from '../deliveries/webhooks/link.ts';
import { openWebhookSecrets, sealWebhookSecrets } from '../deliveries/webhooks/stored-secrets.ts';
import {
  generateWebhookSecret,
  InvalidWebhookSecretError,
  parseWebhookSecret,
  receiverKeyOf,
  type WebhookSecret,
} from '../deliveries/webhooks/webhook-secret.ts';
import { checkWebhookUrl } from '../deliveries/webhooks/webhook-url.ts';
import { networks } from '../host/networks.ts';
import type { Clock } from '../model/clock.ts';
import { knownOptions, shown, type OptionNames } from '../model/options.ts';
import {
  changedOrder,
  checkedDefinition,
  EVERY_CHANGE,
  filterOf,
  InvalidSubscriptionError,
  USUAL_ORDER,
  WEBHOOK_BATCH,
  type DeliveryOrder,
  type DeliveryOrderChange,
  type Subscription,
  type SubscriptionDefinition,
  type WebhookTarget,
} from '../model/subscription.ts';
import { checkSubscriptionOptions } from '../model/subscription-options.ts';
import { WEBHOOK_FIELDS } from '../model/webhook-field.ts';
import { webhookSecretsOf } from '../secrets/secret-owner.ts';
import type { SecretKeys } from '../secrets/secret-keys.ts';
import type { Stores } from '../store/stores.ts';

export interface SubscribeWebhookMeans {
  readonly stores: Pick<Stores, 'store' | 'credentials'>;
  readonly keys: SecretKeys;
  readonly clock: Clock;
  /** See `WebhooksConfig.allowedNetworks`. */
  readonly allowedNetworks: readonly string[];
}

/**
 * Makes a subscription with a webhook, or changes one. The secrets are stored before the subscription, so that no
 * subscription delivers without one. If a crash in between leaves secrets behind, the next call replaces them.
 *
 * @throws {InvalidSubscriptionError} when the subscription cannot be made as it is described
 * @throws {FeedError} when the subscription is new, and the cursor of its beginning is no place to go on from
 * @throws {SecretKeyError} when the keys that encrypt cannot be used
 */
export async function subscribeWebhook(
  means: SubscribeWebhookMeans,
  name: string,
  wanted: WebhookSubscription,
): ReturnType<WebhookAccess['subscribe']> {
  checkWanted(name, wanted);
  const { store } = means.stores;
  const before = (await store.listSubscriptions()).find((each) => each.name === name) ?? null;
  if (before !== null && wanted.beginning !== undefined)
    throw new InvalidSubscriptionError(
      `The subscription ${name} is there already, and goes on where it is in each mailbox: ` +
        'only a new one has a beginning.',
      { remedy: { kind: 'replay', subscription: name } },
    );
  const definition = checkedDefinition(definitionOf(means, name, { before, wanted }));
  const { beginning = { kind: 'now' } } = wanted;
  if (before === null) await store.checkBeginning({ beginning, mailboxes: definition.filter.mailboxes });
  const secrets = await withSecrets(means, name, { isNew: before === null, wanted });
  const change = await store.putSubscription({ definition, beginning, now: means.clock.now() });
  return { change, url: definition.target.url, ...secrets };
}

const WANTED: OptionNames<WebhookSubscription> = {
  url: true,
  filter: true,
  beginning: true,
  batch: true,
  order: true,
  fields: true,
  link: true,
  allowPrivate: true,
  secret: true,
  dropFormerSecret: true,
};

/** Refuses what a caller in plain JavaScript may have written against the types. */
function checkWanted(name: string, wanted: WebhookSubscription): void {
  knownOptions(`The subscription ${name}`, wanted, WANTED, (message) => new InvalidSubscriptionError(message));
  checkSubscriptionOptions(name, wanted);
  const { fields = [], secret } = wanted;
  const unknown = Array.isArray(fields) ? fields.find((field) => !WEBHOOK_FIELDS.includes(field)) : fields;
  if (unknown !== undefined)
    throw notMade(name, `A payload has no field ${shown(unknown)}. The fields are ${WEBHOOK_FIELDS.join(', ')}.`);
  if (secret !== undefined && (typeof secret !== 'object' || secret === null))
    throw notMade(name, "The secret is an object: { new: 'symmetric' }, { new: 'ed25519' } or { text: 'whsec_…' }.");
}

interface SubscriptionChange {
  readonly before: Subscription | null;
  readonly wanted: WebhookSubscription;
}

function definitionOf(
  { allowedNetworks }: SubscribeWebhookMeans,
  name: string,
  { before, wanted }: SubscriptionChange,
): SubscriptionDefinition & { readonly target: WebhookTarget } {
  const former = before?.target ?? null;
  if (former?.kind === 'handler') throw notMade(name, 'A handler has this name already: take another one.');
  const url = wanted.url ?? former?.url;
  if (url === undefined) throw notMade(name, 'It is new, so it needs the URL to which its webhooks are sent.');
  const allowPrivate = wanted.allowPrivate ?? former?.allowPrivate ?? false;
  const link = wanted.link === undefined ? (former?.link ?? null) : wanted.link;
  const checked = checkWebhookUrl(url, { allowPrivate, allowedNetworks: networks(allowedNetworks) });
  if (checked.kind === 'refused') throw notMade(name, checked.reason);
  try {
    if (link !== null) checkLink(link);
  } catch (error) {
    if (error instanceof InvalidLinkError) throw notMade(name, error.message);
    throw error;
  }
  return {
    name,
    target: { kind: 'webhook', url, allowPrivate, fields: wanted.fields ?? former?.fields ?? [], link },
    filter: wanted.filter === undefined ? (before?.filter ?? EVERY_CHANGE) : filterOf(wanted.filter),
    batch: wanted.batch ?? before?.batch ?? WEBHOOK_BATCH,
    order: orderOf(name, before?.order ?? USUAL_ORDER, wanted.order),
  };
}

function orderOf(name: string, former: DeliveryOrder, change: DeliveryOrderChange | undefined): DeliveryOrder {
  if (change === undefined) return former;
  const order = changedOrder(former, change);
  if (order !== null) return order;
  throw notMade(
    name,
    'Its order is above-all, so nothing of it is parked, and it takes no attempts. Give the order park with them, ' +
      'if later changes shall no longer wait for one that fails.',
  );
}

/** Stores the keys that sign from now on. The newest is the first; the one before it stays during a rotation. */
async function withSecrets(
  { stores: { credentials }, keys }: SubscribeWebhookMeans,
  name: string,
  { isNew, wanted }: { readonly isNew: boolean; readonly wanted: WebhookSubscription },
): Promise<Pick<SubscribedWebhook, 'receiverKey' | 'secrets'>> {
  const owner = webhookSecretsOf(name);
  const record = isNew ? null : await credentials.get(owner);
  // A new key may replace keys that cannot be read any more.
  const held =
    record === null || (wanted.secret !== undefined && wanted.dropFormerSecret === true)
      ? []
      : await openWebhookSecrets(keys, name, record);
  const added = addedSecret(name, wanted, held.length === 0);
  const all = added === null ? held : [added, ...held];
  const kept = all.slice(0, wanted.dropFormerSecret === true ? 1 : 2);
  if (added !== null || kept.length < held.length)
    await credentials.put(owner, { ...(await sealWebhookSecrets(keys, name, kept)), version: 0 });
  return { receiverKey: added === null ? null : receiverKeyOf(added).reveal(), secrets: kept.length };
}

function addedSecret(name: string, { secret }: WebhookSubscription, lacks: boolean): WebhookSecret | null {
  if (secret === undefined) return lacks ? generateWebhookSecret() : null;
  if ('new' in secret) return generateWebhookSecret(secret.new);
  try {
    return parseWebhookSecret(secret.text);
  } catch (error) {
    if (error instanceof InvalidWebhookSecretError) throw notMade(name, error.message);
    throw error;
  }
}

const notMade = (name: string, reason: string): InvalidSubscriptionError =>
  new InvalidSubscriptionError(`The subscription ${name.slice(0, 80)} cannot be made. ${reason}`);
