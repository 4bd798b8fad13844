import type { Kysely } from 'kysely';
import type { Schema } from '../engines/schema.ts';
import type { MessageState } from '../rules/message-row.ts';

/** How many messages of a mailbox are in each of `states`. The index by state answers without reading rows. */
export async function countByState(
  db: Kysely<Schema>,
  key: number,
  states: readonly MessageState[],
): Promise<(state: MessageState) => number> {
  const rows = await db
    .selectFrom('messages')
    .select(['state', (eb) => eb.fn.countAll<number>().as('messages')])
    .where('mailbox_key', '=', key)
    .where('state', 'in', states)
    .groupBy('state')
    .execute();
  return (state) => rows.find((row) => row.state === state)?.messages ?? 0;
}
