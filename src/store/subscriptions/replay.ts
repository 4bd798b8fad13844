import { sql } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { lockedPosition, SETTLED, updatePosition } from './positions.ts';
import { delivers, findSubscription, sequenceBefore } from './subscription-rows.ts';
import type { ReplayedMailbox, SubscriptionStore } from './subscription-store.ts';

/** See {@link SubscriptionStore.replay}. */
export function replay(
  database: StoreDatabase,
  { name, mailbox, from }: RequestOf<SubscriptionStore, 'replay'>,
): Promise<readonly ReplayedMailbox[]> {
  return database.write(async (tx) => {
    const subscription = await findSubscription(tx, name);
    if (subscription === null) return [];
    const target = 'after' in from ? sql<number>`cast(${from.after} as bigint)` : sequenceBefore(from.since);
    const mailboxes = await tx
      .selectFrom('mailboxes as m')
      .select(['m.key', 'm.id', 'm.pruned_sequence', target.as('target')])
      .where('m.id', 'like', '%@%')
      .$if(mailbox !== null, (query) => query.where('m.id', '=', mailbox))
      .orderBy('m.id')
      .execute();
    const moved: ReplayedMailbox[] = [];
    for (const { key, id, pruned_sequence: pruned, target: sequence } of mailboxes) {
      if (!delivers(subscription, id as MailboxId)) continue;
      const position = await lockedPosition(database, tx, key, name);
      if (position === null || sequence >= position.sequence) continue;
      await updatePosition(tx, position, { ...SETTLED, sequence, single_until: 0, replays: position.replays + 1 });
      await tx
        .deleteFrom('parked_deliveries')
        .where('mailbox_key', '=', key)
        .where('subscription', '=', name)
        .where('sequence', '>', sequence)
        .execute();
      moved.push({ mailbox: id as MailboxId, notKept: notKept(from, { sequence, pruned }) });
    }
    return moved;
  });
}

/** A replay since a time begins with the oldest change that is kept; how many older ones there were is not known. */
function notKept(
  from: RequestOf<SubscriptionStore, 'replay'>['from'],
  { sequence, pruned }: { readonly sequence: number; readonly pruned: number },
): number | null {
  if ('after' in from) return Math.max(0, pruned - sequence);
  return pruned > 0 && sequence <= pruned ? null : 0;
}
