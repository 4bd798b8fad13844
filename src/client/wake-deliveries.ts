import { Client, WorkflowNotFoundError, type ConnectionLike, type WorkflowClient } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { SubscriptionTarget } from '../model/subscription.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { DeliveryStore } from '../store/subscriptions/delivery-store.ts';
import { deliver, workflowIdOf } from '../workflows/definitions.ts';

/** Between two mailboxes, in ms: a new subscription must not wake thousands at once. */
const PAUSE = 20;

/**
 * Wakes the running mailboxes that have something to deliver. Otherwise, with push, a quiet mailbox might learn of a
 * new subscription only a day later.
 *
 * @param request.wake - wakes one mailbox: see {@link wakeMailbox}
 * @throws the signal's reason when it aborts, and what `wake` throws
 */
export async function wakeDeliveries({
  store,
  clock,
  target,
  wake,
  signal,
}: {
  readonly store: Pick<MailboxRegistry, 'listMailboxes'> & Pick<DeliveryStore, 'findDeliveries'>;
  readonly clock: Clock;
  /** The kind of target whose deliveries are due. */
  readonly target: SubscriptionTarget['kind'];
  readonly wake: (mailbox: MailboxId) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  for (const { id: mailbox } of await store.listMailboxes()) {
    signal?.throwIfAborted();
    const { due } = await store.findDeliveries({ mailbox, now: clock.now() });
    if (!due.some((delivery) => delivery.target === target)) continue;
    await wake(mailbox);
    await clock.sleep(PAUSE, signal);
  }
}

/** Wakes mailboxes over a worker's connection: see {@link wakeMailbox}. */
export function mailboxWaker(
  server: { readonly connection: ConnectionLike; readonly namespace: string },
  target: SubscriptionTarget['kind'],
): (mailbox: MailboxId) => Promise<void> {
  const { workflow } = new Client(server);
  return (mailbox) => wakeMailbox(workflow, mailbox, target);
}

/**
 * Makes a mailbox deliver what it can. A mailbox that does not run does so when it is started.
 *
 * @throws gRPC's errors when the server cannot be used
 */
export async function wakeMailbox(
  workflow: Pick<WorkflowClient, 'getHandle'>,
  mailbox: MailboxId,
  target: SubscriptionTarget['kind'],
): Promise<void> {
  try {
    await workflow.getHandle(workflowIdOf(mailbox)).signal(deliver, target);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
