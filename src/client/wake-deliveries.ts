import { Client, WorkflowNotFoundError, type ConnectionLike } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { DeliveryStore } from '../store/subscriptions/subscription-store.ts';
import { deliver, workflowIdOf } from '../workflows/definitions.ts';

/** Between two mailboxes, in ms: a new subscription must not wake thousands at once. */
const PAUSE = 20;

/**
 * Wakes the running mailboxes that have something to deliver. With push, a quiet one would learn of a new subscription
 * within a day only.
 *
 * @throws the signal's reason when it aborts, and gRPC's errors when the server cannot be used
 */
export async function wakeDeliveries({
  connection,
  namespace,
  store,
  clock,
  signal,
}: {
  readonly connection: ConnectionLike;
  readonly namespace: string;
  readonly store: Pick<MailboxRegistry, 'listMailboxes'> & Pick<DeliveryStore, 'findDeliveries'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { workflow } = new Client({ connection, namespace });
  for (const { id: mailbox } of await store.listMailboxes()) {
    signal.throwIfAborted();
    if ((await store.findDeliveries({ mailbox, now: clock.now() })).length === 0) continue;
    try {
      await workflow.getHandle(workflowIdOf(mailbox)).signal(deliver);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    await clock.sleep(PAUSE, signal);
  }
}
