import { deliverChanges, type DeliveryDependencies } from '../deliveries/deliver-changes.ts';
import type { DeliverRequest, DeliverResult } from './requests.ts';
import { knownMailbox } from './known-mailbox.ts';
import { withDeadline } from '../model/deadline.ts';
import type { MailboxId } from '../model/ids.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';

/** The most subscriptions that a result names: it is kept in the workflow's state. */
const NAMED = 10;

/** How long deliveries wait for Google's time (ms). */
const TIME_WITHIN = 2_000;

/** Delivers what the subscriptions of a mailbox wait for, see {@link deliverChanges}. */
export async function deliver(
  deps: ActivityDependencies<MailboxRegistry>,
  deliveries: DeliveryDependencies,
  { mailbox, awaits }: DeliverRequest,
  { signal, wasGivenUp }: ActivityRun,
): Promise<DeliverResult> {
  await knownMailbox(deps, mailbox);
  await learnTime(deps, mailbox, signal);
  const { waiting, ...delivered } = await deliverChanges(deliveries, mailbox, {
    signal,
    wasGivenUp,
    awaits: awaits === true,
  });
  return { ...delivered, waiting: waiting.slice(0, NAMED), waits: waiting.length };
}

/**
 * Pauses and the three days of attempts are measured by Google's time, so a worker whose first work is a delivery asks
 * Gmail for that time. Deliveries do not depend on Gmail: without a quick answer, the machine's clock decides.
 */
async function learnTime(
  { clock, openSession }: ActivityDependencies<MailboxRegistry>,
  mailbox: MailboxId,
  signal: AbortSignal,
): Promise<void> {
  if (clock.isSet !== false) return;
  try {
    await withDeadline({ clock, milliseconds: TIME_WITHIN, signal }, (asked) =>
      openSession({ mailbox, lane: 'live', signal: asked, ask: { signal: asked } }),
    );
  } catch {
    signal.throwIfAborted();
  }
}
