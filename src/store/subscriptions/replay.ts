import type { Transaction } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import { READABLE_ID } from '../engines/readable-mailbox.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { lockedPosition, BETWEEN_DELIVERIES, updatePosition } from './positions.ts';
import { checkCursor, placesFrom } from './places.ts';
import { delivers, findSubscription } from './subscription-rows.ts';
import type { DeliveryStart, ReplayedMailbox, SubscriptionStore } from './subscription-store.ts';

/** See {@link SubscriptionStore.replay}. */
export function replay(
  database: StoreDatabase,
  { name, mailbox, from }: RequestOf<SubscriptionStore, 'replay'>,
): Promise<readonly ReplayedMailbox[]> {
  return database.write(async (tx) => {
    const subscription = await findSubscription(tx, name);
    if (subscription === null) return [];
    const { sequence: target, event } = placesFrom(from);
    const mailboxes = await tx
      .selectFrom('mailboxes as m')
      .select(['m.key', 'm.id', 'm.pruned_sequence', target.as('target'), event.as('event')])
      .where('m.id', 'like', READABLE_ID)
      .$if(mailbox !== null, (query) => query.where('m.id', '=', mailbox))
      .orderBy('m.id')
      .execute();
    const moved: ReplayedMailbox[] = [];
    for (const { key, id, pruned_sequence: pruned, ...place } of mailboxes) {
      if (!delivers(subscription, id as MailboxId)) continue;
      const position = await lockedPosition(database, tx, key, name);
      if (position === null || (place.target >= position.sequence && place.event >= position.event)) continue;
      const back = {
        sequence: Math.min(place.target, position.sequence),
        event: Math.min(place.event, position.event),
      };
      await updatePosition(tx, position, {
        ...BETWEEN_DELIVERIES,
        ...back,
        single_until: 0,
        replays: position.replays + 1,
      });
      await unpark(tx, { key, name, ...back });
      moved.push({ mailbox: id as MailboxId, notKept: notKept(from, { sequence: place.target, pruned }) });
    }
    // Checked afterwards: a pruning in between must not look like an end.
    if ('cursor' in from) {
      const mailboxesAsked = mailbox === null ? subscription.filter.mailboxes : [mailbox];
      await checkCursor(database, tx, { cursor: from.cursor, mailboxes: mailboxesAsked });
    }
    return moved;
  });
}

/** A replay since a time begins with the oldest change that is kept; how many older ones there were is not known. */
function notKept(
  from: DeliveryStart,
  { sequence, pruned }: { readonly sequence: number; readonly pruned: number },
): number | null {
  if (!('since' in from)) return Math.max(0, pruned - sequence);
  return pruned > 0 && sequence <= pruned ? null : 0;
}

/** Changes and events after the new position are no longer parked. */
async function unpark(
  tx: Transaction<Schema>,
  {
    key,
    name,
    sequence,
    event,
  }: { readonly key: number; readonly name: string; readonly sequence: number; readonly event: number },
): Promise<void> {
  await tx
    .deleteFrom('parked_deliveries')
    .where('mailbox_key', '=', key)
    .where('subscription', '=', name)
    .where('sequence', '>', sequence)
    .execute();
  await tx
    .deleteFrom('parked_events')
    .where('mailbox_key', '=', key)
    .where('subscription', '=', name)
    .where('event', '>', event)
    .execute();
}
