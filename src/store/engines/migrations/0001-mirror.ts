import type { CreateTableBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';

/**
 * The first schema; schema.ts says what the columns mean. A migration that was released is never edited: add the next
 * one.
 */
export function mirror(dialect: StoreDialect): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const tables: Tables = { db, dialect };
      await createMailboxes(tables);
      await createLedgers(tables);
      await createMessages(tables);
      await createBodies(tables);
      await createLabels(tables);
      await createHistory(tables);
    },
  };
}

interface Tables {
  readonly db: Kysely<unknown>;
  readonly dialect: StoreDialect;
}

/** Creates a table whose rows belong to mailboxes and are read in the order of the key. */
async function perMailbox(
  { db, dialect }: Tables,
  name: string,
  key: readonly string[],
  columns: Readonly<Record<string, 'text' | 'integer' | 'text?' | 'integer?'>>,
): Promise<void> {
  const { integerType: integer, textType: text } = dialect;
  let table: CreateTableBuilder<string, string> = db.schema
    .createTable(name)
    .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key'));
  for (const [column, type] of Object.entries(columns)) {
    table = table.addColumn(column, type.startsWith('text') ? text : integer, (it) =>
      type.endsWith('?') ? it : it.notNull(),
    );
  }
  await dialect.clustered(table.addPrimaryKeyConstraint(`${name}_primary_key`, ['mailbox_key', ...key])).execute();
}

async function createMailboxes({ db, dialect }: Tables): Promise<void> {
  const { integerType: integer, textType: text } = dialect;
  await dialect
    .generatedKey<string, string>(db.schema.createTable('mailboxes'), 'key')
    .addColumn('id', text, (it) => it.notNull().unique())
    .addColumn('settings', text, (it) => it.notNull())
    .addColumn('history_id', text)
    .addColumn('generation', integer, (it) => it.notNull())
    .addColumn('listed_generation', integer, (it) => it.notNull())
    .addColumn('full_sync', text)
    .addColumn('marks', text, (it) => it.notNull())
    .addColumn('settled_history_id', text)
    .addColumn('relist_at', integer)
    .addColumn('condition', text)
    .addColumn('change_sequence', integer, (it) => it.notNull())
    .addColumn('limit_reached', integer, (it) => it.notNull())
    .addColumn('scope_floor', integer)
    .addColumn('created_at', integer, (it) => it.notNull())
    .addColumn('synced_at', integer)
    .execute();
}

/**
 * Ledgers are apart from `mailboxes`: every call to Gmail writes them, and must not wait for a long transaction on the
 * mailbox's row.
 */
async function createLedgers(tables: Tables): Promise<void> {
  await perMailbox(tables, 'ledgers', [], { ledger: 'text' });
  await perMailbox(tables, 'usage', ['method'], {
    method: 'text',
    calls: 'integer',
    units: 'integer',
    rejected: 'integer',
  });
}

async function createMessages(tables: Tables): Promise<void> {
  await perMailbox(tables, 'messages', ['id'], {
    id: 'text',
    thread_id: 'text',
    label_ids: 'text',
    state: 'text',
    history_id: 'text?',
    reading_history_id: 'text?',
    internal_date: 'integer?',
    size_estimate: 'integer',
    snippet: 'text',
    format: 'text?',
    lane: 'text?',
    rank: 'integer',
    position: 'integer?',
    listed_generation: 'integer',
    admitted_generation: 'integer?',
    attempts: 'integer',
    last_error: 'text?',
    next_attempt_at: 'integer',
    discovered_at: 'integer',
    refresh_at: 'integer?',
    announced: 'integer',
  });
  const { schema } = tables.db;
  await schema.createIndex('messages_by_thread').on('messages').columns(['mailbox_key', 'thread_id']).execute();
  await schema.createIndex('messages_by_state').on('messages').columns(['mailbox_key', 'state']).execute();
  await schema
    .createIndex('messages_to_fetch')
    .on('messages')
    .columns(['mailbox_key', 'lane', 'next_attempt_at', 'rank'])
    .where('lane', 'is not', null)
    .execute();
  await schema
    .createIndex('messages_to_refresh')
    .on('messages')
    .columns(['mailbox_key', 'refresh_at'])
    .where('refresh_at', 'is not', null)
    .execute();
}

/**
 * Bodies are apart from `messages`, so that a change of labels rewrites no body. They lie in order of arrival, because
 * they are large.
 */
async function createBodies({ db, dialect }: Tables): Promise<void> {
  const { integerType: integer, textType: text } = dialect;
  await db.schema
    .createTable('bodies')
    .addColumn('mailbox_key', integer, (it) => it.notNull().references('mailboxes.key'))
    .addColumn('message_id', text, (it) => it.notNull())
    .addColumn('encoding', text, (it) => it.notNull())
    .addColumn('body', dialect.blobType, (it) => it.notNull())
    .addPrimaryKeyConstraint('bodies_primary_key', ['mailbox_key', 'message_id'])
    .execute();
}

async function createLabels(tables: Tables): Promise<void> {
  await perMailbox(tables, 'labels', ['id'], { id: 'text', name: 'text', type: 'text' });
  await perMailbox(tables, 'label_listings', ['message_id', 'label_id'], { message_id: 'text', label_id: 'text' });
}

/** Gmail's history as it was applied, and the change feed. */
async function createHistory(tables: Tables): Promise<void> {
  await perMailbox(tables, 'applied_operations', ['record_id', 'message_id', 'operation'], {
    record_id: 'text',
    message_id: 'text',
    operation: 'text',
  });
  await perMailbox(tables, 'changes', ['sequence'], {
    sequence: 'integer',
    kind: 'text',
    message_id: 'text',
    thread_id: 'text',
    label_ids: 'text',
    history_id: 'text',
    at: 'integer',
  });
}
