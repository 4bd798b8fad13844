import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { includesMailbox, type Subscription, type SubscriptionTarget } from '../model/subscription.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type {
  BegunDelivery,
  DeliveryStep,
  DeliveryStore,
  SubscriptionStore,
} from '../store/subscriptions/subscription-store.ts';
import type { DeliverySlots } from './delivery-slots.ts';
import type { DeliveryTarget, TargetOf } from './delivery-target.ts';
import { nextAfter } from './failed-attempt.ts';

/** What the deliveries of a worker use. */
export interface DeliveryDependencies {
  readonly store: DeliveryStore & Pick<SubscriptionStore, 'listSubscriptions'>;
  readonly clock: Clock;
  /** Which subscriptions these deliveries are for. */
  readonly to: SubscriptionTarget['kind'];
  readonly targetOf: TargetOf;
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
    ({ ended, filter, target }) => ended === null && target.kind === deps.to && includesMailbox(filter, mailbox),
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
      if (!due.some((each) => each.subscription === name)) continue;
      busy.add(name);
      break;
    }
    if (!busy.has(name)) return end;
  }
}

/** Delivers until nothing is left, an attempt must wait, or the time is over. */
async function drain(turn: Turn, subscription: Subscription): Promise<End> {
  const { clock, mailbox, slots, signal } = turn;
  const { name } = subscription;
  const giveBack = slots.take(name);
  if (giveBack === null) return postponed(turn, name, { why: 'busy', nextIn: WITHOUT_SLOT });
  try {
    const target = turn.targetOf({ mailbox, subscription, signal });
    if (target === null) return await postponed(turn, name, { why: 'no-handler', nextIn: WITHOUT_HANDLER });
    while (clock.now() < turn.until) {
      signal.throwIfAborted();
      const step = await begun(turn, { subscription, target });
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
          await attempt(turn, { subscription, target }, step.delivery);
      }
    }
    return { more: true, waits: null };
  } finally {
    giveBack();
  }
}

/** A subscription, and what takes its changes. */
interface Targeted {
  readonly subscription: Subscription;
  readonly target: DeliveryTarget;
}

/**
 * Begins an attempt at a delivery that its target can hold. Only a replay may move the position between the two calls;
 * the delivery then holds as many other changes.
 */
async function begun(
  { store, clock, mailbox }: Turn,
  { subscription: { name }, target }: Targeted,
): Promise<DeliveryStep> {
  const changes = target.fitting === undefined ? null : await store.nextChanges({ mailbox, subscription: name });
  const most = changes === null || target.fitting === undefined ? {} : { most: await target.fitting(changes) };
  return store.beginDelivery({ mailbox, subscription: name, now: clock.now(), ...most });
}

/** Has the position wait, so that no sync asks for this mailbox's deliveries meanwhile. */
async function postponed(
  { store, clock, mailbox }: Turn,
  subscription: string,
  { why, nextIn }: Omit<WaitingSubscription, 'subscription'>,
): Promise<End> {
  const due = await store.findDeliveries({ mailbox, now: clock.now() });
  if (!due.some((each) => each.subscription === subscription)) return { more: false, waits: null };
  const reason =
    why === 'no-handler'
      ? `The worker that took the deliveries of ${mailbox} has no handler "${subscription}". ` +
        `Start the program that has it, or end the subscription.`
      : `The worker makes as many attempts for ${subscription} as it may at a time.`;
  const at = clock.now() + nextIn;
  await store.postponeDelivery({ mailbox, subscription, until: at, reason });
  return { more: false, waits: { subscription, why, at } };
}

async function attempt(turn: Turn, { subscription, target }: Targeted, delivery: BegunDelivery): Promise<void> {
  const { store, clock, mailbox, telemetry } = turn;
  const { name, order } = subscription;
  const taken = await target.take(delivery);
  telemetry?.add('tidemark_deliveries_total', 1, { outcome: taken.kind === 'accepted' ? 'accepted' : 'failed' });
  switch (taken.kind) {
    case 'accepted':
      telemetry?.add('tidemark_delivered_changes_total', delivery.changes.length, {});
      return;
    case 'ended':
      return;
    case 'failed': {
      turn.signal.throwIfAborted();
      const now = clock.now();
      const next = nextAfter(order, delivery, { ...taken, now, random: clock.random() });
      const { id, attempt: number } = delivery;
      await store.failDelivery({ mailbox, subscription: name, id, attempt: number, error: taken.reason, next, now });
      if (next.kind === 'park' && delivery.changes.length === 1) telemetry?.add('tidemark_parked_changes_total', 1, {});
    }
  }
}
