import type { Selectable, Transaction, Updateable } from 'kysely';
import type { MailboxId } from '../../model/ids.ts';
import { bulkInsert, type ColumnValue } from './bulk-insert.ts';
import type { StoreDialect } from './dialect.ts';
import type { MailboxTable } from './mailbox-tables.ts';
import type { Schema } from './schema.ts';
import type { StoreDatabase } from './store-database.ts';
import { StoreError } from './store-error.ts';

const CHANGES = {
  table: 'changes',
  columns: [
    'mailbox_key',
    'sequence',
    'kind',
    'message_id',
    'thread_id',
    'label_ids',
    'history_id',
    'at',
    'added',
    'removed',
    'why',
  ],
  key: ['mailbox_key', 'sequence'],
  onConflict: 'update',
} as const;

/** A transaction on one mailbox, whose row is locked. No other writer of the mailbox runs until it ends. */
export class MailboxTransaction {
  readonly tx: Transaction<Schema>;
  readonly dialect: StoreDialect;
  readonly key: number;
  /** The mailbox's row as it was when the transaction began. */
  readonly columns: Selectable<MailboxTable>;
  #sequence: number;
  #hasEvents = false;

  constructor(tx: Transaction<Schema>, dialect: StoreDialect, columns: Selectable<MailboxTable>) {
    this.tx = tx;
    this.dialect = dialect;
    this.key = columns.key;
    this.columns = columns;
    this.#sequence = columns.change_sequence;
  }

  /** Whether this transaction appended changes or events. */
  get hasNews(): boolean {
    return this.#hasEvents || this.#sequence > this.columns.change_sequence;
  }

  /** The sequence of the mailbox's newest change, including those of this transaction. */
  get sequence(): number {
    return this.#sequence;
  }

  async updateMailbox(values: Updateable<MailboxTable>): Promise<void> {
    await this.tx.updateTable('mailboxes').set(values).where('key', '=', this.key).execute();
  }

  /** Notes that events were written, so that the commit wakes the programs that deliver them. */
  announceEvents(): void {
    this.#hasEvents = true;
  }

  /**
   * Appends entries to the change feed; `entries` hold the columns after `sequence`. Sequence numbers have no gaps and
   * no reader can miss one, since they are drawn under the mailbox's lock and a failed transaction draws none.
   */
  async appendChanges(entries: readonly (readonly ColumnValue[])[]): Promise<void> {
    if (entries.length === 0) return;
    await bulkInsert(
      this.tx,
      CHANGES,
      entries.map((entry, index) => [this.key, this.#sequence + index + 1, ...entry]),
    );
    this.#sequence += entries.length;
    await this.updateMailbox({ change_sequence: this.#sequence });
  }
}

/**
 * Runs `work` in one transaction that first locks the mailbox's row. After the commit, new changes and events are
 * announced to their followers.
 *
 * @throws {StoreError} `lost` when the store does not know the mailbox
 */
export async function withMailbox<Result>(
  database: StoreDatabase,
  mailbox: MailboxId,
  work: (locked: MailboxTransaction) => Promise<Result>,
): Promise<Result> {
  let changed: number | null = null;
  const result = await database.write(async (tx) => {
    const columns = await database.dialect
      .locked(tx.selectFrom('mailboxes').selectAll().where('id', '=', mailbox))
      .executeTakeFirst();
    if (columns === undefined) throw unknownMailbox(mailbox);
    const locked = new MailboxTransaction(tx, database.dialect, columns);
    const done = await work(locked);
    changed = locked.hasNews ? locked.key : null;
    return done;
  });
  if (changed !== null) database.changes.announce(changed);
  return result;
}

export function unknownMailbox(mailbox: MailboxId): StoreError {
  return new StoreError(
    { kind: 'lost' },
    `The store does not know ${mailbox}. If it did before, the mailbox was removed or renamed, or its database was ` +
      'deleted or replaced: restore that, or start the mailbox, which fetches everything again.',
    { mailbox, remedy: { kind: 'start', mailbox } },
  );
}
