import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Subscription } from '../model/subscription.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type {
  AttemptableDelivery,
  BegunDelivery,
  DeliveryStep,
  DeliveryStore,
} from '../store/subscriptions/subscription-store.ts';
import type { DeliverySlots } from './delivery-slots.ts';
import type { DeliveryTarget, TargetOf } from './delivery-target.ts';
import { nextAfter } from './failed-attempt.ts';

export interface WaitingSubscription {
  readonly subscription: string;
  /** Ms until its next attempt. */
  readonly nextIn: number;
  readonly why: 'failing' | 'no-handler' | 'busy';
}

/** Deliveries of one mailbox by one run of the activity. */
export interface Turn {
  readonly store: DeliveryStore;
  readonly clock: Clock;
  readonly targetOf: TargetOf;
  readonly slots: DeliverySlots;
  readonly telemetry?: Telemetry | undefined;
  readonly mailbox: MailboxId;
  readonly signal: AbortSignal;
  /** Epoch ms after which no further attempt begins. */
  readonly until: number;
  /** Attempts so far. */
  attempts: number;
}

/** What is left when a subscription's deliveries pause. */
export interface End {
  /** True when there was more to deliver than the time allowed. */
  readonly more: boolean;
  readonly waits: (Omit<WaitingSubscription, 'nextIn'> & { readonly at: number }) | null;
}

const NOTHING_LEFT: End = { more: false, waits: null };

/** Ms until another worker may have the handler, or a slot is free. */
const WITHOUT_HANDLER = 10_000;
const WITHOUT_SLOT = 5_000;

/** Delivers until nothing is left, an attempt must wait, or the time is over. */
export async function deliverTo(turn: Turn, subscription: Subscription): Promise<End> {
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
          return NOTHING_LEFT;
        case 'waits':
          return { more: false, waits: { subscription: name, at: step.until, why: 'failing' } };
        case 'passed':
          break;
        case 'begun':
          turn.attempts += 1;
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
 * Begins an attempt at a delivery that its target can hold. The search holds no lock: where a replay or another attempt
 * comes between the two calls, nothing begins, and the search is made again.
 */
async function begun(
  { store, clock, mailbox }: Turn,
  { subscription: { name }, target }: Targeted,
): Promise<DeliveryStep> {
  const named = { mailbox, subscription: name };
  const next = await store.nextDelivery({ ...named, now: clock.now() });
  if (next.kind === 'idle' || next.kind === 'waits') return next;
  return store.beginDelivery({ ...named, now: clock.now(), next: await fitting(target, next) });
}

/** What was found, without the changes that the target cannot hold. */
async function fitting(target: DeliveryTarget, next: AttemptableDelivery): Promise<AttemptableDelivery> {
  if (next.kind === 'fixed' || next.changes.length === 0 || target.fitting === undefined) return next;
  return { ...next, changes: next.changes.slice(0, await target.fitting(next.changes)) };
}

/** Has the position wait, so that no sync asks for this mailbox's deliveries meanwhile. */
async function postponed(
  { store, clock, mailbox }: Turn,
  subscription: string,
  { why, nextIn }: Omit<WaitingSubscription, 'subscription'>,
): Promise<End> {
  const { due } = await store.findDeliveries({ mailbox, now: clock.now() });
  if (!due.some((each) => each.subscription === subscription)) return NOTHING_LEFT;
  const reason =
    why === 'no-handler'
      ? `The worker that took the deliveries of ${mailbox} has no handler "${subscription}". ` +
        'Start the program that has it, or end the subscription.'
      : `The worker makes as many attempts for ${subscription} as it may at a time.`;
  const at = clock.now() + nextIn;
  const remedy = why === 'no-handler' ? ({ kind: 'end-subscription', subscription } as const) : null;
  await store.postponeDelivery({ mailbox, subscription, until: at, reason, remedy });
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
      const { reason: error, remedy = null } = taken;
      await store.failDelivery({ mailbox, subscription: name, id, attempt: number, error, remedy, next, now });
      if (next.kind === 'park' && delivery.changes.length <= 1) telemetry?.add('tidemark_parked_changes_total', 1, {});
    }
  }
}
