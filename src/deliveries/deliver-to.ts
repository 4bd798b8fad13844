import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Subscription } from '../model/subscription.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type {
  BegunDelivery,
  DeliveryStep,
  DeliveryStore,
  FailedDelivery,
} from '../store/subscriptions/delivery-store.ts';
import type { DeliverySlots } from './delivery-slots.ts';
import type { DeliveryTarget, TakenDelivery, TargetOf } from './delivery-target.ts';
import { nextAfter } from './failed-attempt.ts';
import { afterUnended, unendedReplay } from './unended-attempts.ts';

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
  /** Whether the server no longer waits for this run, because no heartbeat came: its worker did not answer. */
  readonly wasGivenUp?: (() => boolean) | undefined;
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

/** Ms to wait for what is missing. By then another worker may have the handler, or the slot may be free. */
const WITHOUT = { handler: 10_000, slot: 5_000, loneSlot: 5_000 } as const;
type Lack = keyof typeof WITHOUT;

/** Delivers until nothing is left, an attempt must wait, or the time is over. */
export async function deliverTo(turn: Turn, subscription: Subscription): Promise<End> {
  const { clock, mailbox, slots, signal } = turn;
  const { name } = subscription;
  const giveBack = slots.take(name);
  if (giveBack === null) return postponed(turn, name, 'slot');
  try {
    const target = turn.targetOf({ mailbox, subscription, signal });
    if (target === null) return await postponed(turn, name, 'handler');
    while (clock.now() < turn.until) {
      signal.throwIfAborted();
      const step = await begun(turn, { subscription, target });
      switch (step.kind) {
        case 'idle':
          return NOTHING_LEFT;
        case 'waits':
          return { more: false, waits: { subscription: name, at: step.until, why: 'failing' } };
        case 'no-lone-slot':
          return await postponed(turn, name, 'loneSlot');
        case 'passed':
          break;
        case 'begun':
          turn.attempts += 1;
          await attempt(turn, { subscription, target }, step.delivery).finally(step.ended);
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

type Begun =
  | Exclude<DeliveryStep, { kind: 'begun' }>
  /**
   * A worker did not survive an earlier attempt at the delivery, and this worker is trying another such delivery now.
   */
  | { readonly kind: 'no-lone-slot' }
  | { readonly kind: 'begun'; readonly delivery: BegunDelivery; readonly ended: () => void };

/**
 * Finds the next delivery, and begins an attempt. The search holds no lock: when a replay or another attempt comes
 * between the two calls, nothing begins, and the search is made again.
 */
async function begun(turn: Turn, { subscription }: Targeted): Promise<Begun> {
  const { store, clock, mailbox, slots, telemetry } = turn;
  const named = { mailbox, subscription: subscription.name };
  const next = await store.nextDelivery({ ...named, now: clock.now() });
  if (next.kind === 'idle' || next.kind === 'waits') return next;
  if (next.kind === 'parked' && next.unended !== null) {
    // A replay has only one attempt. Another attempt might end this worker, too.
    const error = unendedReplay('event' in next.item);
    return parkUnended(turn, { ...named, id: next.unended, attempt: 1, error }, 1);
  }
  if (next.kind !== 'fixed' || next.delivery.unended === 0) {
    const step = await store.beginDelivery({ ...named, now: clock.now(), next });
    return step.kind === 'begun' ? { ...step, ended: () => undefined } : step;
  }
  const now = clock.now();
  const after = afterUnended(subscription.order, next.delivery, { now, random: clock.random() });
  if (after.kind === 'park') {
    const { id, attempts, holds } = next.delivery;
    return parkUnended(turn, { ...named, id, attempt: attempts, error: after.reason }, holds);
  }
  // Other subscriptions go first, because this attempt may end their worker, too.
  if (!next.delivery.hasWaited) return { kind: 'no-lone-slot' };
  const ended = slots.takeLoneSlot(now);
  if (ended === null) return { kind: 'no-lone-slot' };
  const step = await store.beginDelivery({ ...named, now, next, pause: after.pause }).catch((error: unknown) => {
    ended();
    throw error;
  });
  if (step.kind !== 'begun') {
    ended();
    return step;
  }
  telemetry?.add('tidemark_deliveries_total', 1, { outcome: 'lost' });
  return { ...step, ended };
}

/**
 * Parks a delivery whose attempts no worker has ended. When it holds several changes, each is delivered by itself from
 * then on.
 */
async function parkUnended(
  { store, clock, telemetry }: Turn,
  failed: Omit<FailedDelivery, 'next' | 'now'>,
  holds: number,
): Promise<Begun> {
  telemetry?.add('tidemark_deliveries_total', 1, { outcome: 'lost' });
  await store.failDelivery({ ...failed, next: { kind: 'park' }, now: clock.now() });
  if (holds === 1) telemetry?.add('tidemark_parked_changes_total', 1, {});
  return { kind: 'passed' };
}

/** Makes the position wait, so that no sync asks for this mailbox's deliveries meanwhile. */
async function postponed({ store, clock, mailbox }: Turn, subscription: string, lacks: Lack): Promise<End> {
  const { due } = await store.findDeliveries({ mailbox, now: clock.now() });
  if (!due.some((each) => each.subscription === subscription)) return NOTHING_LEFT;
  // Two unended deliveries that waited equally long would meet again, and the one that ends its worker could go first
  // each time.
  const at = clock.now() + Math.round(WITHOUT[lacks] * (lacks === 'loneSlot' ? 0.5 + clock.random() : 1));
  const remedy = lacks === 'handler' ? ({ kind: 'end-subscription', subscription } as const) : null;
  const reason = lackOf(lacks, mailbox, subscription);
  await store.postponeDelivery({ mailbox, subscription, until: at, reason, remedy });
  return { more: false, waits: { subscription, why: lacks === 'handler' ? 'no-handler' : 'busy', at } };
}

function lackOf(lacks: Lack, mailbox: MailboxId, subscription: string): string {
  switch (lacks) {
    case 'handler':
      return (
        `The worker that took the deliveries of ${mailbox} has no handler "${subscription}". ` +
        'Start the program that has it, or end the subscription.'
      );
    case 'slot':
      return `The worker makes as many attempts for ${subscription} as it may at a time.`;
    case 'loneSlot':
      return 'A worker ended, or stopped answering, while it handled this. Such deliveries are attempted one by one.';
  }
}

/** Makes an attempt and records how it ended, unless the worker ends or the server has given the attempt up. */
async function attempt(turn: Turn, targeted: Targeted, begun: BegunDelivery): Promise<void> {
  const { store, mailbox, signal, wasGivenUp = () => false } = turn;
  let delivery = begun;
  const released: Promise<void>[] = [];
  let isLost = false;
  const release = (): void => {
    const { id, attempt: number } = delivery;
    const named = { mailbox, subscription: targeted.subscription.name, id, attempt: number };
    if (released.length > 0 || isLost || wasGivenUp()) return;
    // When the release fails, too, the attempt counts as one that did not end.
    released.push(store.releaseDelivery(named).catch(() => undefined));
  };
  // Released at once: a worker that shuts down does not wait long for a target that goes on.
  signal.addEventListener('abort', release);
  try {
    signal.throwIfAborted();
    const fitted = await fitting(turn, targeted, delivery);
    if (fitted === null) return;
    delivery = fitted;
    const taken = await targeted.target.take(delivery);
    if (taken.kind === 'failed') signal.throwIfAborted();
    if (taken.kind === 'lost') {
      isLost = !signal.aborted;
      throw taken.error;
    }
    await recordOutcome(turn, targeted, delivery, taken);
    if (taken.kind === 'ended') release();
  } catch (error) {
    release();
    throw error;
  } finally {
    signal.removeEventListener('abort', release);
    await Promise.all(released);
  }
}

/**
 * The delivery without the changes that its target cannot hold. The target is asked after the attempt was counted,
 * since its answer may have to read much. It is asked at the first attempt only: once a target may have seen the
 * delivery, the delivery stays the same.
 *
 * @returns null when the position was changed meanwhile
 */
async function fitting(
  { store, clock, mailbox }: Turn,
  { subscription: { name }, target }: Targeted,
  delivery: BegunDelivery,
): Promise<BegunDelivery | null> {
  const { id, attempt: number, changes } = delivery;
  if (number > 1 || changes.length === 0 || target.fitting === undefined) return delivery;
  const size = await target.fitting(changes);
  if (size >= changes.length) return delivery;
  return store.narrowDelivery({ mailbox, subscription: name, id, size, now: clock.now() });
}

/** Records how an attempt ended. */
async function recordOutcome(
  { store, clock, mailbox, telemetry }: Turn,
  { subscription: { name, order } }: Targeted,
  delivery: BegunDelivery,
  taken: Exclude<TakenDelivery, { kind: 'lost' }>,
): Promise<void> {
  telemetry?.add('tidemark_deliveries_total', 1, { outcome: taken.kind === 'accepted' ? 'accepted' : 'failed' });
  switch (taken.kind) {
    case 'accepted':
      telemetry?.add('tidemark_delivered_changes_total', delivery.changes.length, {});
      return;
    case 'ended':
      return;
    case 'failed': {
      const now = clock.now();
      const next = nextAfter(order, delivery, { ...taken, now, random: clock.random() });
      const { id, attempt: number } = delivery;
      const { reason: error, remedy = null } = taken;
      await store.failDelivery({ mailbox, subscription: name, id, attempt: number, error, remedy, next, now });
      if (next.kind === 'park' && delivery.changes.length <= 1) telemetry?.add('tidemark_parked_changes_total', 1, {});
    }
  }
}
