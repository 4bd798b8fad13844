import { deliverChanges, type DeliveryDependencies } from '../deliveries/deliver-changes.ts';
import type { DeliverRequest, DeliverResult } from './requests.ts';
import { knownMailbox } from './known-mailbox.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';

/** The most subscriptions that a result names: it is kept in the workflow's state. */
const NAMED = 10;

/** Delivers what the subscriptions of a mailbox wait for, see {@link deliverChanges}. */
export async function deliver(
  deps: ActivityDependencies<MailboxRegistry>,
  deliveries: DeliveryDependencies,
  { mailbox, awaits }: DeliverRequest,
  { signal, wasGivenUp }: ActivityRun,
): Promise<DeliverResult> {
  await knownMailbox(deps, mailbox);
  const { waiting, ...delivered } = await deliverChanges(deliveries, mailbox, {
    signal,
    wasGivenUp,
    awaits: awaits === true,
  });
  return { ...delivered, waiting: waiting.slice(0, NAMED), waits: waiting.length };
}
