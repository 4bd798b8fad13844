import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * Parked changes and events that are delivered once more. They are kept apart from what moves positions: a program of
 * the version before, which does not know them, leaves them to the others and moves no position back.
 */
export function parkedReplays({ integerType: integer, textType: text }: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      for (const table of ['parked_deliveries', 'parked_events']) {
        await db.schema.alterTable(table).addColumn('replay_at', integer).execute();
        await db.schema.alterTable(table).addColumn('replay_id', text).execute();
        await db.schema
          .alterTable(table)
          .addColumn('replays', integer, (it) => it.notNull().defaultTo(0))
          .execute();
      }
      await db.schema
        .alterTable('delivery_positions')
        .addColumn('replays_parked', integer, (it) => it.notNull().defaultTo(0))
        .execute();
    },
  };
}
