import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { includesMailbox, type Subscription, type SubscriptionTarget } from '../model/subscription.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { ChangeSignal } from '../store/engines/change-signal.ts';
import { CommitWakes, LOOK_EVERY } from '../store/engines/commit-wakes.ts';
import type { DeliveryPlace, DeliveryStore } from '../store/subscriptions/delivery-store.ts';
import type { SubscriptionStore } from '../store/subscriptions/subscription-store.ts';
import { deliverTo, type End, type Turn, type WaitingSubscription } from './deliver-to.ts';
import type { DeliverySlots } from './delivery-slots.ts';
import type { TargetOf } from './delivery-target.ts';

/** What the deliveries of a worker use. */
export interface DeliveryDependencies {
  readonly store: DeliveryStore & Pick<SubscriptionStore, 'listSubscriptions'>;
  /** Announces commits. */
  readonly changes: Pick<ChangeSignal, 'listen'>;
  readonly clock: Clock;
  /** Which subscriptions these deliveries are for. */
  readonly to: SubscriptionTarget['kind'];
  readonly targetOf: TargetOf;
  readonly slots: DeliverySlots;
  readonly telemetry?: Telemetry | undefined;
}

/** One run of a mailbox's deliveries. */
export interface DeliveryRun {
  readonly signal: AbortSignal;
  /** Whether a sync runs beside it, whose changes it awaits for a moment. */
  readonly awaits?: boolean;
  /** Whether the server no longer waits for this run, because no heartbeat came. */
  readonly wasGivenUp?: (() => boolean) | undefined;
}

/** What is left when a mailbox's deliveries pause. */
export interface DeliveredMailbox {
  /** True when there was more to deliver than the time allowed. */
  readonly more: boolean;
  /** Ms until the next attempt; null when none waits. */
  readonly nextIn: number | null;
  readonly waiting: readonly WaitingSubscription[];
  readonly attempts: number;
  /**
   * The sequence number up to which every change was looked at after its commit. It means nothing when `more` is true.
   */
  readonly seen: number;
}

/** Ms after which no further attempt begins, so that the workflow sees what happens and can cut its history. */
const LONGEST_RUN = 60_000;
/**
 * How long (ms) the changes of a sync are awaited: less than the two seconds after which an activity sends a heartbeat,
 * which Temporal Cloud bills as an Action. What a longer sync brings is delivered when the sync has ended.
 */
const AWAITED_FOR = 1_800;
/**
 * Ms between looks while a sync's changes are awaited, instead of {@link LOOK_EVERY}: a proxy before PostgreSQL may not
 * pass announcements on.
 */
const AWAITED_LOOK = 150;

/**
 * Delivers what the subscriptions of a mailbox wait for. The subscriptions run beside each other: each has one delivery
 * under way, and a slow target does not keep the others from getting new changes.
 *
 * @throws {StoreError} when the store cannot be used
 * @throws the signal's reason when it aborts
 */
export async function deliverChanges(
  deps: DeliveryDependencies,
  mailbox: MailboxId,
  { signal, awaits = false, wasGivenUp }: DeliveryRun,
): Promise<DeliveredMailbox> {
  const { store, clock } = deps;
  const known = await store.newestChange(mailbox);
  if (known === null) return { more: false, nextIn: null, waiting: [], attempts: 0, seen: 0 };
  const subscriptions = (await store.listSubscriptions()).filter(
    ({ ended, filter, target }) => ended === null && target.kind === deps.to && includesMailbox(filter, mailbox),
  );
  const failed = new AbortController();
  const began = clock.now();
  const turn: Turn = {
    ...deps,
    mailbox,
    signal: AbortSignal.any([signal, failed.signal]),
    wasGivenUp,
    until: began + LONGEST_RUN,
    attempts: 0,
  };
  // Listens before it looks, so that no commit falls between the two.
  const wakes = new CommitWakes({ changes: deps.changes, clock, signal: turn.signal, only: known.key });
  const runs = new SubscriptionRuns(turn, subscriptions, {
    ended: () => wakes.wake(),
    failed: (error) => failed.abort(error),
  });
  const isOver = (time: number): boolean => clock.now() >= time || turn.signal.aborted;
  try {
    do {
      runs.begin((await store.newestChange(mailbox)) ?? known);
      const isAwaiting = awaits && turn.attempts === 0 && !isOver(began + AWAITED_FOR);
      if (!runs.areUnderWay && !isAwaiting) break;
      const look = Math.min(clock.now() + (isAwaiting ? AWAITED_LOOK : LOOK_EVERY), runs.nextAttemptAt, turn.until);
      await wakes.next(Math.max(1, look - clock.now()));
    } while (!isOver(turn.until));
  } catch (error) {
    failed.abort(error);
  } finally {
    await runs.allEnded();
    wakes.stop();
  }
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
  return { ...runs.left(), attempts: turn.attempts };
}

const isNews = (seen: DeliveryPlace | undefined, newest: DeliveryPlace): boolean =>
  seen === undefined || seen.sequence < newest.sequence || seen.event < newest.event;

/** The subscriptions of a turn, each of which runs, or has ended and may run again. */
class SubscriptionRuns {
  readonly #turn: Turn;
  readonly #subscriptions: readonly Subscription[];
  readonly #listener: { ended(): void; failed(error: unknown): void };
  readonly #running = new Map<string, Promise<void>>();
  readonly #ends = new Map<string, End>();
  /** The mailbox's newest change and event when each subscription began to look for the last time. */
  readonly #seen = new Map<string, DeliveryPlace>();

  constructor(
    turn: Turn,
    subscriptions: readonly Subscription[],
    listener: { ended(): void; failed(error: unknown): void },
  ) {
    this.#turn = turn;
    this.#subscriptions = subscriptions;
    this.#listener = listener;
  }

  get areUnderWay(): boolean {
    return this.#running.size > 0;
  }

  /** Epoch ms; Infinity when no attempt waits. */
  get nextAttemptAt(): number {
    return Math.min(...[...this.#ends.values()].map(({ waits }) => waits?.at ?? Infinity));
  }

  /**
   * Begins the subscriptions that have not looked at the newest change and event, and those whose next attempt is due.
   */
  begin(newest: DeliveryPlace): void {
    const now = this.#turn.clock.now();
    for (const subscription of this.#subscriptions) {
      const { name } = subscription;
      if (this.#running.has(name)) continue;
      const waits = this.#ends.get(name)?.waits ?? null;
      const isDue = waits === null ? isNews(this.#seen.get(name), newest) : waits.at <= now;
      this.#seen.set(name, newest);
      if (isDue) this.#run(subscription);
    }
  }

  #run(subscription: Subscription): void {
    const { name } = subscription;
    this.#ends.delete(name);
    const run = deliverTo(this.#turn, subscription)
      .then(
        (end) => void this.#ends.set(name, end),
        (error: unknown) => this.#listener.failed(error),
      )
      .finally(() => {
        this.#running.delete(name);
        this.#listener.ended();
      });
    this.#running.set(name, run);
  }

  async allEnded(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  left(): Omit<DeliveredMailbox, 'attempts'> {
    const now = this.#turn.clock.now();
    const ends = [...this.#ends.values()];
    const waiting = ends.flatMap(({ waits }) =>
      waits === null ? [] : [{ subscription: waits.subscription, why: waits.why, nextIn: Math.max(0, waits.at - now) }],
    );
    return {
      more: ends.some(({ more }) => more),
      nextIn: waiting.length === 0 ? null : Math.min(...waiting.map(({ nextIn }) => nextIn)),
      waiting,
      // A subscription that ran meanwhile may have looked just before a later change.
      seen:
        this.#subscriptions.length === 0 ? 0 : Math.min(...[...this.#seen.values()].map(({ sequence }) => sequence)),
    };
  }
}
