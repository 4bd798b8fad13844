import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { includesMailbox, type Subscription } from '../model/subscription.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { Reader } from '../reading/open-reader.ts';
import type { BegunDelivery, DeliveryStore, SubscriptionStore } from '../store/subscriptions/subscription-store.ts';
import type { DeliverySlots } from './delivery-slots.ts';
import { failureOf, nextAfter, type AttemptFailure } from './failed-attempt.ts';
import type { DeliveryContext, Handler, Handlers } from './handler.ts';

/** What the deliveries of a worker use. */
export interface DeliveryDependencies {
  readonly store: DeliveryStore & Pick<SubscriptionStore, 'listSubscriptions'>;
  readonly clock: Clock;
  readonly reader: Pick<Reader, 'mailbox'>;
  readonly handlers: Handlers;
  readonly slots: DeliverySlots;
  readonly telemetry?: Telemetry | undefined;
}

/** What is left when a mailbox's deliveries pause. */
export interface DeliveredMailbox {
  /** True when there was more to deliver than the time allowed. */
  readonly more: boolean;
  /** Ms until the next attempt; null when none waits. */
  readonly nextIn: number | null;
  readonly waiting: readonly WaitingSubscription[];
}

export interface WaitingSubscription {
  readonly subscription: string;
  /** Ms until its next attempt. */
  readonly nextIn: number;
  readonly why: 'failing' | 'no-handler' | 'busy';
}

/** Ms after which no further attempt begins, so that the workflow sees what happens and can cut its history. */
const LONGEST_RUN = 60_000;
/** Ms between two looks for work, while another subscription's target takes its time. */
const LOOK = 250;
/** Ms until another worker may have the handler, or a slot is free. */
const WITHOUT_HANDLER = 10_000;
const WITHOUT_SLOT = 5_000;

/**
 * Delivers what the subscriptions of a mailbox wait for. They run beside each other: each has one delivery under way,
 * and one whose target is slow does not keep the others from looking for new changes.
 *
 * @throws {StoreError} when the store cannot be used
 * @throws the signal's reason when it aborts
 */
export async function deliverChanges(
  deps: DeliveryDependencies,
  mailbox: MailboxId,
  signal: AbortSignal,
): Promise<DeliveredMailbox> {
  const subscriptions = (await deps.store.listSubscriptions()).filter(
    ({ ended, filter }) => ended === null && includesMailbox(filter, mailbox),
  );
  const failed = new AbortController();
  const turn: Turn = {
    ...deps,
    mailbox,
    signal: AbortSignal.any([signal, failed.signal]),
    until: deps.clock.now() + LONGEST_RUN,
    busy: new Set(subscriptions.map(({ name }) => name)),
  };
  const results = await Promise.allSettled(
    subscriptions.map((subscription) =>
      deliverAll(turn, subscription).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    ),
  );
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
  const ends = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const now = deps.clock.now();
  const waiting = ends.flatMap(({ waits }) =>
    waits === null ? [] : [{ subscription: waits.subscription, why: waits.why, nextIn: Math.max(0, waits.at - now) }],
  );
  return {
    more: ends.some(({ more }) => more),
    nextIn: waiting.length === 0 ? null : Math.min(...waiting.map(({ nextIn }) => nextIn)),
    waiting,
  };
}

interface Turn extends DeliveryDependencies {
  readonly mailbox: MailboxId;
  readonly signal: AbortSignal;
  readonly until: number;
  /** The subscriptions whose attempt is under way. */
  readonly busy: Set<string>;
}

interface End {
  readonly more: boolean;
  readonly waits: (Omit<WaitingSubscription, 'nextIn'> & { readonly at: number }) | null;
}

async function deliverAll(turn: Turn, subscription: Subscription): Promise<End> {
  const { store, clock, mailbox, signal, busy } = turn;
  const { name } = subscription;
  for (;;) {
    const end = await drain(turn, subscription);
    busy.delete(name);
    // Others are under way: this one sees what comes meanwhile.
    while (busy.size > 0 && clock.now() < turn.until) {
      await clock.sleep(LOOK, signal);
      const due = await store.findDeliveries({ mailbox, now: clock.now() });
      if (!due.includes(name)) continue;
      busy.add(name);
      break;
    }
    if (!busy.has(name)) return end;
  }
}

/** Delivers until nothing is left, an attempt must wait, or the time is over. */
async function drain(turn: Turn, subscription: Subscription): Promise<End> {
  const { store, clock, mailbox, handlers, slots } = turn;
  const { name } = subscription;
  const giveBack = slots.take(name);
  if (giveBack === null) return postponed(turn, name, { why: 'busy', nextIn: WITHOUT_SLOT });
  try {
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    if (handler === undefined) return await postponed(turn, name, { why: 'no-handler', nextIn: WITHOUT_HANDLER });
    while (clock.now() < turn.until) {
      turn.signal.throwIfAborted();
      const step = await store.beginDelivery({ mailbox, subscription: name, now: clock.now() });
      switch (step.kind) {
        case 'idle':
          return { more: false, waits: null };
        case 'waits':
          return {
            more: false,
            waits: { subscription: name, at: step.until, why: 'failing' },
          };
        case 'passed':
          break;
        case 'begun':
          await attempt(turn, { subscription, handler }, step.delivery);
      }
    }
    return { more: true, waits: null };
  } finally {
    giveBack();
  }
}

/** Has the position wait, so that no sync asks for this mailbox's deliveries meanwhile. */
async function postponed(
  { store, clock, mailbox }: Turn,
  subscription: string,
  { why, nextIn }: Omit<WaitingSubscription, 'subscription'>,
): Promise<End> {
  const due = await store.findDeliveries({ mailbox, now: clock.now() });
  if (!due.includes(subscription)) return { more: false, waits: null };
  const reason =
    why === 'no-handler'
      ? `The worker that took the deliveries of ${mailbox} has no handler "${subscription}". ` +
        `Start the program that has it, or end the subscription: tidemark unsubscribe ${subscription}`
      : `The worker makes as many attempts for ${subscription} as it may at a time.`;
  const at = clock.now() + nextIn;
  await store.postponeDelivery({ mailbox, subscription, until: at, reason });
  return { more: false, waits: { subscription, why, at } };
}

/** A subscription, and the code that takes its changes. */
interface Handled {
  readonly subscription: Subscription;
  readonly handler: Handler;
}

async function attempt(turn: Turn, handled: Handled, delivery: BegunDelivery): Promise<void> {
  const { store, clock, mailbox, telemetry } = turn;
  const { name, order } = handled.subscription;
  const failure = await called(turn, handled, delivery);
  telemetry?.add('tidemark_deliveries_total', 1, { outcome: failure === null ? 'accepted' : 'failed' });
  if (failure === null) {
    telemetry?.add('tidemark_delivered_changes_total', delivery.changes.length, {});
    return;
  }
  turn.signal.throwIfAborted();
  const now = clock.now();
  const next = nextAfter(order, delivery, { ...failure, now, random: clock.random() });
  const { id, attempt: number } = delivery;
  await store.failDelivery({ mailbox, subscription: name, id, attempt: number, error: failure.reason, next, now });
  if (next.kind === 'park' && delivery.changes.length === 1) telemetry?.add('tidemark_parked_changes_total', 1, {});
}

/** Calls the handler, and moves the position. @returns null when it has accepted the delivery */
async function called(
  { store, clock, mailbox, signal, reader }: Turn,
  { subscription: { name }, handler }: Handled,
  { id, changes, attempt }: BegunDelivery,
): Promise<AttemptFailure | null> {
  const read = reader.mailbox(mailbox);
  const context: DeliveryContext = { mailbox, deliveryId: id, attempt, signal, message: (id) => read.message(id) };
  const named = { mailbox, subscription: name, id };
  const thrown: unknown[] = [];
  // What a handler throws is its own failure, and never that of the store.
  const calling = async (handle: () => Promise<void> | void): Promise<void> => {
    try {
      await handle();
    } catch (error) {
      thrown.push(error);
      throw error;
    }
  };
  try {
    if (handler.transaction === true) {
      await store.acceptWithin({ ...named, now: clock.now() }, (query) =>
        calling(() => handler.handle(changes, { ...context, query })),
      );
    } else {
      await calling(() => handler.handle(changes, context));
      await store.acceptDelivery({ ...named, now: clock.now() });
    }
    return null;
  } catch (error) {
    if (thrown.length === 0) throw error;
    return failureOf(thrown.at(-1));
  }
}
