import {
  changeDeliveries,
  withChangesFound,
  withDelivered,
  withDeliveryFailed,
  withDeliveryRequested,
  withDeliveryStarted,
  withListening,
  withNextAttempt,
  withNotTaken,
  type DeliveryState,
} from './delivery-state.ts';
import type { EventOf, MailboxEvent } from './mailbox-event.ts';
import type { MailboxState } from './mailbox-state.ts';
import { errorIn, withError } from './state-errors.ts';

/**
 * Notes what an activity's result says of deliveries: whether it leaves something to deliver, whether targets wait for
 * later changes, and when the next attempt is due.
 */
export function withDeliverable(state: MailboxState, event: MailboxEvent, now: number): MailboxState {
  if (!isOfSync(event)) return state;
  const { deliverable, webhooks, deliverableUpTo, listening = [], handlerIn, webhookIn } = event;
  const noted = (
    before: DeliveryState,
    kind: (typeof listening)[number],
    { isFound, nextIn }: { readonly isFound: boolean; readonly nextIn: number | undefined },
  ): DeliveryState => {
    const found = isFound ? withChangesFound(before, deliverableUpTo) : before;
    return withNextAttempt(withListening(found, listening.includes(kind)), nextIn, now);
  };
  const handled = changeDeliveries(state, 'delivery', (before) =>
    noted(before, 'handler', { isFound: deliverable === true, nextIn: handlerIn }),
  );
  return changeDeliveries(handled, 'webhook', (before) =>
    noted(before, 'webhook', { isFound: webhooks === true, nextIn: webhookIn }),
  );
}

type OfSync = EventOf<'opened' | 'listed' | 'slice-fetched' | 'partial-synced' | 'audited' | 'events-noted'>;

const OF_SYNC: ReadonlySet<string> = new Set<OfSync['kind']>([
  'opened',
  'listed',
  'slice-fetched',
  'partial-synced',
  'audited',
  'events-noted',
]);

/** Whether the event is the result of an activity that keeps the mirror, or events. */
export const isOfSync = (event: MailboxEvent): event is OfSync => OF_SYNC.has(event.kind);

export function withDeliveryEvent(
  state: MailboxState,
  event: EventOf<'deliver-requested' | 'delivery-started' | 'delivered' | 'delivery-failed' | 'delivery-not-taken'>,
  now: number,
): MailboxState {
  const changed = (change: (deliveries: DeliveryState) => DeliveryState): MailboxState =>
    changeDeliveries(state, event.lane, change);
  switch (event.kind) {
    case 'deliver-requested':
      return changed(withDeliveryRequested);
    case 'delivery-started':
      return changed(withDeliveryStarted);
    case 'delivered':
      return changed((before) => withDelivered(before, event, now));
    case 'delivery-not-taken':
      return changed((before) => withNotTaken(before, now));
    case 'delivery-failed':
      return withError(
        changed((before) => withDeliveryFailed(before, now)),
        errorIn(event),
        now,
      );
  }
}
