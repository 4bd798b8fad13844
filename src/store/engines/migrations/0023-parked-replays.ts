import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * Replays of parked changes and events. They are kept apart from what moves positions, so that a program of the
 * previous version, which does not know them, leaves them to newer programs and moves no position back.
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
