import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * Bodies outside the database: their places, the objects there, and the messages that name them. Also what keeps a
 * removed mailbox removed.
 */
export function bodiesOutside(dialect: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await createPlaces(db, dialect);
      await createObjects(db, dialect);
      await createNames(db, dialect);
      await createChains(db, dialect);
    },
  };
}

async function createPlaces(db: Kysely<unknown>, dialect: StoreDialect): Promise<void> {
  await dialect
    .generatedKey<string, string>(db.schema.createTable('body_places'), 'key')
    .addColumn('url', dialect.textType, (it) => it.notNull())
    .addColumn('prefix', dialect.textType, (it) => it.notNull())
    .addColumn('sweeps', dialect.integerType, (it) => it.notNull())
    .addUniqueConstraint('body_places_by_url', ['url', 'prefix'])
    .execute();
}

async function createObjects(db: Kysely<unknown>, dialect: StoreDialect): Promise<void> {
  const { integerType: integer } = dialect;
  await dialect
    .generatedKey<string, string>(db.schema.createTable('body_objects'), 'key')
    .addColumn('place_key', integer, (it) => it.notNull().references('body_places.key'))
    .addColumn('hash', dialect.textType, (it) => it.notNull())
    .addColumn('nonce', dialect.textType, (it) => it.notNull())
    .addColumn('size', integer, (it) => it.notNull())
    .addColumn('written', integer, (it) => it.notNull())
    .addColumn('loose_since', integer)
    .addColumn('condemned_at', integer)
    .execute();
  await db.schema
    .createIndex('body_objects_by_hash')
    .on('body_objects')
    .columns(['place_key', 'hash'])
    .unique()
    .where(sql<boolean>`condemned_at is null`)
    .execute();
  await db.schema
    .createIndex('body_objects_loose')
    .on('body_objects')
    .columns(['loose_since'])
    .where('loose_since', 'is not', null)
    .execute();
  await db.schema
    .createIndex('body_objects_condemned')
    .on('body_objects')
    .columns(['condemned_at'])
    .where('condemned_at', 'is not', null)
    .execute();
}

/** Which message names which object. */
async function createNames(db: Kysely<unknown>, dialect: StoreDialect): Promise<void> {
  const { integerType: integer } = dialect;
  const named = db.schema
    .createTable('outside_bodies')
    .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key'))
    .addColumn('message_id', dialect.textType, (it) => it.notNull())
    .addColumn('encoding', dialect.textType, (it) => it.notNull())
    .addColumn('object_key', integer, (it) => it.notNull().references('body_objects.key'))
    .addPrimaryKeyConstraint('outside_bodies_primary_key', ['mailbox_key', 'message_id']);
  await dialect.clustered(named).execute();
  await db.schema.createIndex('outside_bodies_by_object').on('outside_bodies').columns(['object_key']).execute();
}

/**
 * Chains of workflow runs that created a mailbox, and whether they were removed with it. The ids are Temporal's and
 * contain no address.
 */
async function createChains(db: Kysely<unknown>, dialect: StoreDialect): Promise<void> {
  await db.schema
    .createTable('workflow_chains')
    .addColumn('id', dialect.textType, (it) => it.primaryKey())
    .addColumn('removed_at', dialect.integerType)
    .execute();
}
