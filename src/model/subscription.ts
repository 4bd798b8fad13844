import type { Change } from './change.ts';
import { mailboxId, type MailboxId } from './ids.ts';
import type { WebhookField } from './webhook-field.ts';
import { EVENT_KINDS, type EventKind, type SubscribedEvent } from './subscribed-event.ts';
import { TidemarkError } from './tidemark-error.ts';

/**
 * Which changes a subscription asks for, and which events. All conditions of changes must hold; null means that
 * anything will do. For events only `events` and `mailboxes` count.
 */
export interface ChangeFilter {
  /** Only these mailboxes. */
  readonly mailboxes: readonly MailboxId[] | null;
  /** Kinds of changes; empty for no changes at all. */
  readonly kinds: readonly Change['kind'][] | null;
  /** Kinds of events that are delivered beside changes; empty for none. */
  readonly events: readonly EventKind[];
  /**
   * Names or ids of labels: the message has one of them, or has just lost it. Each mailbox looks them up among its own
   * labels when it delivers, in any case, so a renamed label answers to its new name and to its id.
   */
  readonly labels: readonly string[] | null;
  /** Part of the subject, in any case. A `gone` change passes, since nothing is held of its message any more. */
  readonly subject: string | null;
  /** Part of the sender's name or address, in the same way. */
  readonly from: string | null;
}

/**
 * What a subscription is to ask for. An absent condition lets everything through; without `events`, no events are
 * delivered.
 */
export interface FilterOptions extends Partial<Omit<ChangeFilter, 'mailboxes'>> {
  /** The e-mail addresses of the mailboxes; null for all. */
  readonly mailboxes?: readonly string[] | null;
}

/**
 * The filter that the options describe.
 *
 * @throws {InvalidIdError} when a mailbox is not an e-mail address
 */
export function filterOf({
  mailboxes = null,
  kinds = null,
  events = [],
  labels = null,
  subject = null,
  from = null,
}: FilterOptions): ChangeFilter {
  return { mailboxes: mailboxes?.map(mailboxId) ?? null, kinds, events, labels, subject, from };
}

/** Every change, and no events. */
export const EVERY_CHANGE = filterOf({});

/**
 * Where a subscription begins: now, with the first change, with the first one since a time (a date, or epoch
 * milliseconds), or after the change with a cursor of the change feed. A mailbox that comes later is delivered from its
 * first change in every case.
 */
export type Beginning =
  | { readonly kind: 'now' }
  | { readonly kind: 'first' }
  | { readonly kind: 'since'; readonly at: Date | number }
  | { readonly kind: 'cursor'; readonly cursor: string };

/**
 * What happens to a delivery that keeps failing.
 * - `above-all`: it is tried until it succeeds, and later changes of its mailbox wait for it.
 * - `park`: it is parked after `attempts`, or after three days when that is null, and later changes go on. Of several
 *   changes in a delivery, only those that also fail by themselves are parked. A parked change is kept and can be
 *   replayed.
 */
export type DeliveryOrder =
  { readonly kind: 'above-all' } | { readonly kind: 'park'; readonly attempts: number | null };

/** The order of a subscription that does not say otherwise. */
export const USUAL_ORDER = { kind: 'park', attempts: null } as const satisfies DeliveryOrder;

/** A change of the order. What is absent stays as it is; `attempts: null` means three days again. */
export type DeliveryOrderChange =
  | { readonly kind: 'above-all' }
  | { readonly kind: 'park'; readonly attempts?: number | null }
  | { readonly attempts: number | null; readonly kind?: undefined };

/**
 * The order after a change of it.
 *
 * @returns null for attempts of an order in which nothing is parked
 */
export function changedOrder(former: DeliveryOrder, change: DeliveryOrderChange): DeliveryOrder | null {
  if (change.kind === 'above-all') return change;
  if (change.kind === undefined && former.kind === 'above-all') return null;
  const { attempts = former.kind === 'park' ? former.attempts : USUAL_ORDER.attempts } = change;
  return { kind: change.kind ?? 'park', attempts };
}

/** Who gets the changes: code in a worker, or a URL. */
export type SubscriptionTarget = { readonly kind: 'handler' } | WebhookTarget;

/** A receiver of webhooks. */
export interface WebhookTarget {
  /** Says that it is a webhook. */
  readonly kind: 'webhook';
  /** Where webhooks are sent. */
  readonly url: string;
  /** Allows addresses that are not public, and http. */
  readonly allowPrivate: boolean;
  /** What payloads hold of a message besides ids and labels. */
  readonly fields: readonly WebhookField[];
  /** A link to each message, such as `https://api.example.com/mail/{mailbox}/{messageId}`; null for none. */
  readonly link: string | null;
}

/** What a subscription is, apart from its state. */
export interface SubscriptionDefinition {
  /** The name by which it is commanded. */
  readonly name: string;
  /** What gets the changes. */
  readonly target: SubscriptionTarget;
  /** Which changes and events it gets. */
  readonly filter: ChangeFilter;
  /** The most changes in a delivery. */
  readonly batch: number;
  /** What happens to a change that fails each time. */
  readonly order: DeliveryOrder;
}

/** A subscription as it is stored. `createdAt` is in epoch milliseconds. */
export interface Subscription extends SubscriptionDefinition {
  /** Epoch milliseconds when it was made. */
  readonly createdAt: number;
  /** When and why it ended; null while it delivers. */
  readonly ended: { readonly at: number; readonly reason: string } | null;
}

/** Changes in a delivery unless the subscription says otherwise, and the most that it can say. */
export const BATCH = { usual: 100, most: 500 } as const;

/** Changes in a webhook unless the subscription says otherwise. A body has at most 20 KB, so there may be fewer. */
export const WEBHOOK_BATCH = 50;

/** Thrown when a subscription cannot be made as it is described. */
export class InvalidSubscriptionError extends TidemarkError {
  override readonly name = 'InvalidSubscriptionError';
  readonly code = 'invalid-subscription';
}

const CHANGE_KINDS = ['stored', 'labels', 'gone'] as const satisfies readonly Change['kind'][];

/** Letters, digits, `-`, `_` and `.`; it begins with a letter or a digit. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/**
 * @returns the definition itself
 * @throws {InvalidSubscriptionError} when its name, batch, order, kinds or events are not allowed
 */
export function checkedDefinition<Definition extends SubscriptionDefinition>(definition: Definition): Definition {
  const { name, batch, order, filter } = definition;
  if (!NAME.test(name))
    throw new InvalidSubscriptionError(
      `"${name.slice(0, 80)}" is not a name for a subscription: ` +
        'a name has 1 to 63 letters, digits, "-", "_" and ".", and begins with a letter or a digit.',
    );
  if (!Number.isSafeInteger(batch) || batch < 1 || batch > BATCH.most)
    throw new InvalidSubscriptionError(
      `The batch of the subscription ${name} is ${batch}; it must be a whole number from 1 to ${BATCH.most}.`,
    );
  if (order.kind === 'park' && order.attempts !== null && (!Number.isSafeInteger(order.attempts) || order.attempts < 1))
    throw new InvalidSubscriptionError(
      `The subscription ${name} parks after ${order.attempts} attempts; it must be a whole number, 1 or more.`,
    );
  if (order.kind !== 'park' && order.kind !== 'above-all')
    throw new InvalidSubscriptionError(
      `The subscription ${name} has an unknown order. The orders are park and above-all.`,
    );
  if (filter.kinds?.every((kind) => CHANGE_KINDS.includes(kind)) === false)
    throw new InvalidSubscriptionError(
      `The subscription ${name} asks for changes of an unknown kind. The kinds are ${CHANGE_KINDS.join(', ')}.`,
    );
  const unknown = filter.events.find((event) => !EVENT_KINDS.includes(event));
  if (unknown !== undefined)
    throw new InvalidSubscriptionError(
      `The subscription ${name} asks for an unknown event. The events are ${EVENT_KINDS.join(', ')}.`,
    );
  return definition;
}

/** Whether a mailbox's changes are asked for. */
export function includesMailbox({ mailboxes }: ChangeFilter, mailbox: MailboxId): boolean {
  return mailboxes === null || mailboxes.includes(mailbox);
}

/** What a filter compares of a message besides its change. */
export interface MessageTexts {
  readonly subject: string | null;
  readonly from: string | null;
}

/**
 * Whether a change passes the filter, its mailbox aside.
 *
 * @param held.texts - the texts of the change's message; null when nothing is held of that message
 * @param held.labels - the ids that the filter's labels mean in the mailbox; null when it names none
 */
export function matchesChange(
  { kinds, subject, from }: ChangeFilter,
  change: Change,
  { texts, labels }: { readonly texts: MessageTexts | null; readonly labels: ReadonlySet<string> | null },
): boolean {
  if (kinds !== null && !kinds.includes(change.kind)) return false;
  if (labels !== null && ![...change.labelIds, ...(change.removed ?? [])].some((label) => labels.has(label)))
    return false;
  if (change.kind === 'gone') return true;
  return holds(texts?.subject, subject) && holds(texts?.from, from);
}

/** Whether an event passes the filter, its mailbox aside. */
export const matchesEvent = ({ events }: ChangeFilter, { kind }: SubscribedEvent): boolean => events.includes(kind);

/** Whether a filter compares more than the change itself. */
export const asksTexts = ({ subject, from }: ChangeFilter): boolean => subject !== null || from !== null;

function holds(text: string | null | undefined, part: string | null): boolean {
  return part === null || (text ?? '').toLowerCase().includes(part.toLowerCase());
}
